//! Releases of the deployer, and a file server in the place of GitHub's downloads.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::standin::{Attestation, sign, sum};
use super::{GitHub, PUBLISHED};

/// The files of a release, by their names.
pub(crate) fn published(github: &GitHub, tag: &str) -> BTreeMap<String, Vec<u8>> {
    let files = std::fs::read_dir(github.root.join("releases").join(tag)).unwrap().map(|file| file.unwrap().path());
    files.map(|file| (file.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(file).unwrap())).collect()
}

/// Publishes the deployer under test as the release of its version, built from this commit; returns its tag.
pub(super) fn publish(github: &GitHub, commit: &str) -> String {
    let tag = concat!("v", env!("CARGO_PKG_VERSION")).to_owned();
    let folder = github.root.join("releases").join(&tag);
    std::fs::create_dir_all(&folder).unwrap();
    let archive = archive();
    let name = archive.file_name().unwrap().to_str().unwrap();
    std::fs::hard_link(archive, folder.join(name)).unwrap();
    std::fs::write(folder.join("SHA256SUMS"), format!("{}  {name}\n", sum(archive))).unwrap();
    let signer = format!("{PUBLISHED}/.github/workflows/release.yml");
    let reference = format!("refs/tags/{tag}");
    let line = Attestation { repository: PUBLISHED, signer: &signer, commit, reference: &reference }.of(archive, name);
    sign(github, &line);
    std::fs::write(folder.join("bundle.jsonl"), line).unwrap();
    tag
}

/// The archive for this machine, packed once.
fn archive() -> &'static Path {
    static ARCHIVE: OnceLock<PathBuf> = OnceLock::new();
    ARCHIVE.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("released");
        std::fs::create_dir_all(&folder).unwrap();
        let archive = folder.join(format!("deployer-{}-unknown-linux-musl.tar.gz", std::env::consts::ARCH));
        // Another run of these tests may read the one that is there.
        let packed = folder.join(format!("{}.tar.gz", std::process::id()));
        let mut tar = Command::new("tar");
        let binary = Path::new(env!("CARGO_BIN_EXE_deployer"));
        tar.args(["--create", "--use-compress-program", "gzip -1", "--file"]).arg(&packed);
        tar.arg("--directory").arg(binary.parent().unwrap()).arg(binary.file_name().unwrap());
        assert!(tar.status().unwrap().success());
        std::fs::rename(packed, &archive).unwrap();
        archive
    })
}

/// Starts a server of the files in a folder, which ends with this process; returns its address.
pub(super) fn serve(folder: PathBuf) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let folder = folder.clone();
            // A client that goes away is not the server's problem.
            std::thread::spawn(move || drop(respond(connection, &folder)));
        }
    });
    address
}

fn respond(mut connection: TcpStream, folder: &Path) -> std::io::Result<()> {
    let mut lines = BufReader::new(connection.try_clone()?).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let path = request.split(' ').nth(1).unwrap_or_default().trim_start_matches('/').to_owned();
    let found = if path.contains("..") { None } else { std::fs::read(folder.join(path)).ok() };
    let status = if found.is_some() { "200 OK" } else { "404 Not Found" };
    let body = found.unwrap_or_default();
    write!(connection, "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len())?;
    connection.write_all(&body)
}
