//! Memory: twenty packages of 45 MB are built, uploaded and fetched, each way in a process of its own, which reports the most memory that
//! it had. The other end is a server in this process.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "the measured process gets its task from the environment and prints a figure"
)]

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use deployer::artifact::{self, Checkout, Package, Zip};
use deployer::aws::{Code, Writer};
use deployer::config::{Config, ProcessEnvironment};
use futures::future::join_all;
use libtest_mimic::Trial;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::test;

const PACKAGES: usize = 20;
const SIZE: usize = 45_000_000;
/// The most that a process may have, in kB.
const LIMIT: u64 = 120_000;
/// Says to a process of this binary which way the packages take.
const WAY: &str = "DEPLOYER_TEST_OF_MEMORY";

pub(crate) fn tests() -> Vec<Trial> {
    let ways = ["built", "uploaded directly", "uploaded to a bucket", "fetched"];
    let tests = ways.map(|way| {
        test(&format!("memory: twenty packages of 45 MB are {way}"), move || async move {
            let folder = tempfile::tempdir().unwrap();
            let zip = project(folder.path());
            let endpoint = serve(zip);
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.current_dir(folder.path()).env(WAY, way).env("AWS_ENDPOINT_URL", endpoint);
            command.env("AWS_ACCESS_KEY_ID", "a").env("AWS_SECRET_ACCESS_KEY", "b").env("NO_PROXY", "127.0.0.1");
            let output =
                command.env("TMPDIR", folder.path()).env("AWS_EC2_METADATA_DISABLED", "true").output().unwrap();
            assert!(output.status.success(), "{output:?}");
            let peak: u64 = String::from_utf8_lossy(&output.stdout).trim().parse().unwrap();
            assert!(peak <= LIMIT, "{peak} kB, at most {LIMIT} are allowed");
        })
    });
    tests.into()
}

/// The process of one way, if this is one.
pub(crate) fn is_measured() -> bool {
    let Ok(way) = std::env::var(WAY) else { return false };
    rustls::crypto::ring::default_provider().install_default().unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(measured(&way));
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    println!("{}", peak.trim().trim_end_matches(" kB"));
    true
}

async fn measured(way: &str) {
    let path = Path::new("deployer.toml").canonicalize().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let vars = std::env::vars().collect::<std::collections::BTreeMap<_, _>>();
    let config = Config::parse(&text, &path, false, ProcessEnvironment::of(&vars)).unwrap();
    let aws = Writer::open(config.environment(Some("dev")).unwrap(), &deployer::world::World::real()).await;
    let zips: Vec<_> = (0..PACKAGES).map(|number| PathBuf::from(format!("f{number}.zip"))).collect();
    match way {
        "built" => {
            let checkout = Checkout::read(&config).await.unwrap();
            let (built, _) = artifact::build(&config, &checkout, Path::new("out")).await.unwrap();
            assert_eq!(built.manifest.functions.len(), PACKAGES);
        }
        "fetched" => {
            let fetched = join_all((0..PACKAGES).map(|_| aws.reader.lambda.code("f", "1"))).await;
            let expected = Package::Zip(Zip::open(&zips[0]).unwrap());
            assert!(fetched.into_iter().all(|package| package.unwrap() == expected));
        }
        "uploaded directly" => {
            let uploads = zips.iter().map(async |path| {
                let zip = Zip::open(path).unwrap();
                aws.lambda.upload_and_publish("f", &Code::Zip(&zip), "r").await.unwrap()
            });
            assert_eq!(join_all(uploads).await.len(), PACKAGES);
        }
        _ => {
            let puts =
                zips.iter().map(async |path| aws.s3.put("bucket", "k", &Zip::open(path).unwrap()).await.unwrap());
            assert_eq!(join_all(puts).await.len(), PACKAGES);
        }
    }
}

/// A project with the packages. All are the same file, which is returned.
fn project(folder: &Path) -> PathBuf {
    let first = folder.join("f0.zip");
    let mut zip = ZipWriter::new(std::fs::File::create(&first).unwrap());
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file("app.py", stored.unix_permissions(0o644)).unwrap();
    let mut content = vec![0; SIZE];
    fastrand::Rng::with_seed(1).fill(&mut content);
    zip.write_all(&content).unwrap();
    zip.finish().unwrap();
    let mut text = "app = \"a\"\n[environments.dev]\nledger = \"l\"\nregion = \"us-east-1\"\n".to_owned();
    for number in 0..PACKAGES {
        if number > 0 {
            std::fs::hard_link(&first, folder.join(format!("f{number}.zip"))).unwrap();
        }
        text.push_str(&format!("[functions.f{number}]\nbuild = {{ output = \"f{number}.zip\" }}\n"));
    }
    std::fs::write(folder.join("deployer.toml"), text).unwrap();
    first
}

/// Starts a server that takes uploads and gives the zip. Returns its address.
fn serve(zip: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let address = endpoint.clone();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let (zip, address) = (zip.clone(), address.clone());
            std::thread::spawn(move || while respond(connection.as_ref().unwrap(), &zip, &address).is_ok() {});
        }
    });
    endpoint
}

/// Responds to one request. An upload has to be whole.
fn respond(mut connection: &TcpStream, zip: &Path, address: &str) -> std::io::Result<()> {
    let (mut reader, mut head) = (BufReader::new(connection), Vec::new());
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        match line.trim() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let header = |name: &str| {
        let mut fields = head.iter().filter_map(|line| line.split_once(": "));
        fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    };
    if header("expect").is_some() {
        connection.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let size = header("content-length").map_or(0, |size| size.parse().unwrap());
    let read = std::io::copy(&mut reader.by_ref().take(size), &mut std::io::sink())?;
    let is_upload = head[0].starts_with("PUT");
    if read != size || is_upload != (size > SIZE as u64) {
        return Err(std::io::ErrorKind::InvalidData.into());
    }
    let reply = |size: u64| format!("HTTP/1.1 200 OK\r\nx-amz-version-id: 1\r\ncontent-length: {size}\r\n\r\n");
    if head[0].starts_with("GET /zip") {
        connection.write_all(reply(zip.metadata()?.len()).as_bytes())?;
        return std::io::copy(&mut std::fs::File::open(zip)?, &mut connection).map(drop);
    }
    let body = match is_upload {
        true => "{\"Version\":\"7\"}".to_owned(),
        false => format!("{{\"Configuration\":{{}},\"Code\":{{\"Location\":\"{address}/zip\"}}}}"),
    };
    connection.write_all((reply(body.len() as u64) + &body).as_bytes())
}
