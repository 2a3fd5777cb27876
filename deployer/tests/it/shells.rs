//! Completions in bash, zsh and fish, each on a terminal of its own: a line is typed, Tab is pressed, and the screen is read.
//!
//! Environments come from `deployer.toml`, releases from a ledger that this file plays: one that responds, and one that never does.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{bare, repository};

/// How long a shell may take to start, or to show what it completed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Longer than a key press may wait for the ledger, with time for a busy machine.
const SOON: Duration = Duration::from_secs(20);

const SIZE: PtySize = PtySize { rows: 50, cols: 180, pixel_width: 0, pixel_height: 0 };

/// A shell: how it starts without anybody's settings, and what sets completions up.
struct Shell {
    program: &'static str,
    arguments: &'static [&'static str],
    setup: &'static str,
}

const SHELLS: [Shell; 3] = [
    Shell {
        program: "bash",
        arguments: &["--norc", "--noprofile", "-i"],
        setup: "source <(deployer completions bash); echo re''ady",
    },
    Shell {
        program: "zsh",
        arguments: &["-f", "-i"],
        setup: "autoload -U compinit && compinit -u -D; source <(deployer completions zsh); echo re''ady",
    },
    Shell {
        program: "fish",
        arguments: &["--private", "--no-config", "-i"],
        setup: "deployer completions fish | source; echo re''ady",
    },
];

pub(crate) fn each_shell_completes_commands_environments_and_releases() {
    let project = Project::new();
    for shell in &SHELLS {
        installed(shell.program);
        let mut terminal = Terminal::open(shell, &project);
        for (line, completed) in [
            ("deployer roll", "rollback"),
            ("deployer deploy prod", "production"),
            ("deployer --local rollback staging --to 31", "3141"),
            ("deployer --local promote staging@27", "staging@2718"),
            ("deployer rollback staging --to prev", "previous"),
        ] {
            terminal.completes(line, completed, PATIENCE);
        }
        // Its ledger never responds: what needs no ledger is there all the same, soon, and nothing else is printed.
        terminal.completes("deployer --local rollback production --to prev", "previous", SOON);
    }
}

pub(crate) fn each_page_of_the_manual_renders_without_a_warning() {
    installed("groff");
    let folder = TempDir::new().unwrap();
    let deployer = env!("CARGO_BIN_EXE_deployer");
    let written = Command::new(deployer).arg("man").arg(folder.path()).env_clear().envs(bare()).output().unwrap();
    assert!(written.status.success(), "{written:?}");
    let pages: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|page| page.unwrap().path()).collect();
    assert!(pages.iter().any(|page| page.ends_with("deployer-local-up.1")) && pages.len() > 15, "{pages:?}");
    for page in pages {
        let rendered = Command::new("groff").args(["-man", "-Tutf8", "-ww", "-P-cbou"]).arg(&page).output().unwrap();
        let text = String::from_utf8_lossy(&rendered.stdout);
        assert_eq!(String::from_utf8_lossy(&rendered.stderr), "", "{}", page.display());
        assert!(text.contains("SYNOPSIS") && text.contains("EXAMPLES\n"), "{}: {text}", page.display());
    }
    let main = Command::new(deployer).arg("man").env_clear().envs(bare()).output().unwrap();
    assert_eq!(main.stdout, std::fs::read(folder.path().join("deployer.1")).unwrap());
}

/// Makes sure of a program: root installs it; other users get a message that says how.
fn installed(program: &str) {
    let is_there = || Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
    if !is_there() {
        let _ = Command::new(repository().join(".ci/packages")).env_clear().envs(bare()).output();
        assert!(is_there(), "no {program}: run `.ci/packages`, which installs it");
    }
}

/// A folder with a `deployer.toml`, and two ledgers.
struct Project {
    folder: TempDir,
}

impl Project {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let (staging, production) = (ledger(), silence());
        let local = [("staging", staging), ("production", production)];
        let mut text = "app = \"shop\"\n[functions.orders]\n".to_owned();
        for (name, _) in local {
            text.push_str(&format!("[environments.{name}]\nledger = \"ledger\"\nregion = \"eu-west-1\"\n"));
        }
        text.push_str("[local]\n");
        for (name, port) in local {
            text.push_str(&format!("{name} = {{ port = {port}, account = \"111111111111\" }}\n"));
            let credentials = folder.path().join(".deployer/local").join(name);
            std::fs::create_dir_all(&credentials).unwrap();
            let keys =
                "[default]\naws_access_key_id = 111111111111\naws_secret_access_key = x\naws_session_token = t\n";
            std::fs::write(credentials.join("credentials"), keys).unwrap();
        }
        std::fs::write(folder.path().join("deployer.toml"), text).unwrap();
        Self { folder }
    }
}

/// A ledger with two releases. Its port.
fn ledger() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || listener.incoming().flatten().for_each(respond));
    port
}

/// One that takes requests and never responds. Its port.
fn silence() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || listener.incoming().collect::<Vec<_>>());
    port
}

/// To one request for the newest releases.
fn respond(mut stream: TcpStream) {
    let mut request = Vec::new();
    let mut part = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut part) {
        request.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&request);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok());
        if body.len() >= length.unwrap_or_default() {
            break;
        }
    }
    let items = [3141, 2718].map(|number| attribute(&release(number))["M"].clone());
    let body = json!({"Items": items, "Count": 2, "ScannedCount": 2}).to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(format!("{head}{body}").as_bytes());
}

fn release(number: u32) -> Value {
    let parts = json!({"functions": {}});
    json!({
        "pk": "shop", "sk": format!("release#{number:08}"), "number": number, "kind": "deploy", "state": "superseded", "stable": true,
        "parts": parts, "previous_parts": parts, "previous": number - 1, "artifact": {"source_hash": "s", "functions": {}},
        "actor": "ada", "started_at": "2026-11-27T10:00:00Z", "fencing_token": 1,
    })
}

/// A value as DynamoDB writes it.
fn attribute(value: &Value) -> Value {
    match value {
        Value::Null => json!({"NULL": true}),
        Value::Bool(yes) => json!({"BOOL": yes}),
        Value::Number(number) => json!({"N": number.to_string()}),
        Value::String(text) => json!({"S": text}),
        Value::Array(all) => json!({"L": all.iter().map(attribute).collect::<Vec<_>>()}),
        Value::Object(all) => {
            json!({"M": all.iter().map(|(name, value)| (name.clone(), attribute(value))).collect::<serde_json::Map<_, _>>()})
        }
    }
}

/// A shell on a terminal. Ends with the value.
struct Terminal {
    shell: &'static str,
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn std::io::Write + Send>,
    screen: Arc<Mutex<vt100::Parser>>,
    _master: Box<dyn MasterPty + Send>,
}

impl Terminal {
    #[track_caller]
    fn open(shell: &Shell, project: &Project) -> Self {
        let pair = native_pty_system().openpty(SIZE).unwrap();
        let mut command = CommandBuilder::new(shell.program);
        command.args(shell.arguments);
        command.cwd(project.folder.path());
        command.env_clear();
        bare().into_iter().for_each(|(name, value)| command.env(name, value));
        let folder = Path::new(env!("CARGO_BIN_EXE_deployer")).parent().unwrap();
        let path = bare().into_iter().find(|(name, _)| name == "PATH").map(|(_, path)| path).unwrap_or_default();
        command.env("PATH", format!("{}:{path}", folder.display()));
        command.env("HOME", project.folder.path());
        command.env("TERM", "xterm");
        command.env("PS1", "> ");
        let child = pair.slave.spawn_command(command).unwrap();
        let keys = pair.master.take_writer().unwrap();
        let mut output = pair.master.try_clone_reader().unwrap();
        let screen = Arc::new(Mutex::new(vt100::Parser::new(SIZE.rows, SIZE.cols, 0)));
        let shown = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut part = [0; 4096];
            while let Ok(read @ 1..) = output.read(&mut part) {
                shown.lock().unwrap().process(&part[..read]);
            }
        });
        let mut terminal = Self { shell: shell.program, child, keys, screen, _master: pair.master };
        terminal.types(&format!("{}\n", shell.setup));
        terminal.shows("ready", PATIENCE);
        terminal
    }

    fn types(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Types a line, presses Tab, and waits for the completed word. The line is thrown away.
    #[track_caller]
    fn completes(&mut self, line: &str, completed: &str, patience: Duration) {
        self.types("\u{15}clear\n");
        std::thread::sleep(Duration::from_millis(300));
        self.types(&format!("{line}\t"));
        self.shows(completed, patience);
        let screen = self.text();
        assert!(!screen.to_lowercase().contains("error"), "{}: {screen}", self.shell);
    }

    #[track_caller]
    fn shows(&self, words: &str, patience: Duration) {
        let since = Instant::now();
        while !self.text().contains(words) {
            assert!(since.elapsed() < patience, "{} shows no `{words}`:\n{}", self.shell, self.text());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
