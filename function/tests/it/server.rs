//! A real PostgreSQL server on loopback, with TLS, and databases in it.
//!
//! It lives as long as the process of the tests: a shell keeps it, and stops it when its own stdin ends, as it
//! does even where that process is killed.

use std::{
    env, fs,
    net::TcpListener,
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use function::{
    settings::{self, AwsSettings},
    store::postgres::PostgresStore,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::json;
use tempfile::TempDir;

use crate::standin::{Received, StandIn};

const PATIENCE: Duration = Duration::from_secs(30);

/// Keeps the server and its folder until its stdin ends.
const HOLD: &str = r#"
folder=$1; shift
"$@" >"$folder/log" 2>&1 &
cat >/dev/null
kill -INT $!
wait $!
[ -e "$folder/kept" ] || rm -rf "$folder"
"#;

/// Only root has to be another for it: `initdb` refuses to be root.
type User = Option<(u32, u32)>;

/// A server, stopped when dropped.
pub(crate) struct Server {
    folder: PathBuf,
    programs: PathBuf,
    user: User,
    pub(crate) port: u16,
    running: Mutex<Option<(Child, ChildStdin)>>,
}

impl Server {
    /// The one that tests share.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A server of its own, for who stops it.
    pub(crate) fn start() -> Self {
        let folder = TempDir::new().unwrap().keep();
        let (programs, user) = (programs(), user(&folder));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Self { folder, programs, user, port, running: Mutex::default() };
        server.write_certificates();
        server.write("hba", "local all postgres trust\nhostssl all all all scram-sha-256\n");
        let mut make = server.command("initdb");
        make.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        let made = make.arg("--pgdata").arg(server.folder.join("data")).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        server.go_on();
        server
    }

    /// Stops it, if it runs, at the end of what it is doing.
    pub(crate) fn stop(&self) {
        self.write("kept", "");
        if let Some((mut child, stdin)) = self.running.lock().unwrap().take() {
            drop(stdin);
            child.wait().unwrap();
        }
    }

    /// Starts it, and waits until it responds.
    pub(crate) fn go_on(&self) {
        let _ = fs::remove_file(self.folder.join("kept"));
        let mut hold = self.as_user(Command::new("sh"));
        hold.args(["-c", HOLD, "sh"]).arg(&self.folder).arg(self.programs.join("postgres"));
        hold.arg("-D").arg(self.folder.join("data"));
        for (name, value) in [
            ("listen_addresses", "localhost".to_owned()),
            ("port", self.port.to_string()),
            ("unix_socket_directories", self.path("")),
            ("hba_file", self.path("hba")),
            ("ssl", "on".to_owned()),
            ("ssl_cert_file", self.path("server.pem")),
            ("ssl_key_file", self.path("server.key")),
            ("fsync", "off".to_owned()),
            ("shared_buffers", "16MB".to_owned()),
        ] {
            hold.arg("-c").arg(format!("{name}={value}"));
        }
        let mut child = hold.stdin(Stdio::piped()).spawn().unwrap();
        let stdin = child.stdin.take().unwrap();
        *self.running.lock().unwrap() = Some((child, stdin));
        let started = Instant::now();
        while !self.psql("postgres", "SELECT 1").output().unwrap().status.success() {
            let log = fs::read_to_string(self.path("log")).unwrap_or_default();
            assert!(started.elapsed() < PATIENCE, "the server does not respond: {log}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// A file in the server's folder.
    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.join(name).into_os_string().into_string().unwrap()
    }

    fn write(&self, name: &str, content: &str) {
        let path = self.folder.join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        if let Some((user, group)) = self.user {
            chown(&path, Some(user), Some(group)).unwrap();
        }
    }

    /// An authority, another one that signed nothing, and a certificate for `localhost`.
    fn write_certificates(&self) {
        let authority = |name: &str| {
            let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
        };
        let (believed, other) = (authority("authority"), authority("other authority"));
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        self.write("server.pem", &params.signed_by(&key, &believed).unwrap().pem());
        self.write("server.key", &key.serialize_pem());
        self.write("authority.pem", &believed.pem());
        self.write("other.pem", &other.pem());
    }

    fn command(&self, program: &str) -> Command {
        self.as_user(Command::new(self.programs.join(program)))
    }

    fn as_user(&self, mut command: Command) -> Command {
        command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").current_dir(&self.folder);
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }

    fn psql(&self, database: &str, sql: &str) -> Command {
        let mut psql = self.command("psql");
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", database]);
        psql.arg("-h").arg(&self.folder).args(["-p", &self.port.to_string(), "-c", sql]);
        psql
    }

    /// Runs `sql` as the server's administrator; returns the result as text.
    pub(crate) fn sql(&self, database: &str, sql: &str) -> String {
        let output = self.psql(database, sql).output().unwrap();
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Where the server's programs are: the newest that Debian installed, or those on the PATH.
fn programs() -> PathBuf {
    let debian =
        fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    let mut found: Vec<_> = debian.filter(|folder| has_initdb(folder)).collect();
    found.sort();
    #[expect(clippy::disallowed_methods, reason = "a test has no settings")]
    let on_path = || env::split_paths(&env::var_os("PATH")?).find(|folder| has_initdb(folder));
    let programs = found.pop().or_else(on_path);
    programs.unwrap_or_else(|| panic!("these tests need a PostgreSQL server: `apt-get install postgresql`"))
}

fn has_initdb(folder: &Path) -> bool {
    folder.join("initdb").is_file()
}

/// Who the server runs as, with `folder` for his own.
fn user(folder: &Path) -> User {
    if fs::metadata(folder).unwrap().uid() != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let named = |name: &str| users.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|user| user[0] == name);
    let user = named("postgres").or_else(|| named("nobody")).unwrap();
    let (user, group) = (user[2].parse().unwrap(), user[3].parse().unwrap());
    chown(folder, Some(user), Some(group)).unwrap();
    Some((user, group))
}

/// An empty database, with an owner of the same name.
pub(crate) struct Database<'a> {
    pub(crate) server: &'a Server,
    pub(crate) name: String,
    /// The password with which it was made.
    pub(crate) password: &'static str,
}

/// The ARN of the secret that RDS would make.
pub(crate) const ARN: &str = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:rds!db-1-AbCdEf";

impl<'a> Database<'a> {
    pub(crate) fn new(server: &'a Server) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("visits_{}", NUMBER.fetch_add(1, Ordering::SeqCst));
        let password = "a-p4ssword: 'with' \"quotes\"";
        let literal = password.replace('\'', "''");
        server.sql("postgres", &format!("CREATE ROLE {name} LOGIN PASSWORD '{literal}'"));
        server.sql("postgres", &format!("CREATE DATABASE {name} OWNER {name}"));
        Self { server, name, password }
    }

    /// Where it is: the function's settings.
    pub(crate) fn settings(&self) -> settings::Database {
        settings::Database {
            host: "localhost".to_owned(),
            port: self.server.port,
            name: self.name.clone(),
            secret: ARN.to_owned(),
            authorities: Some(self.server.path("authority.pem").into()),
        }
    }

    /// A store in it, with the password in `secrets`.
    pub(crate) fn store(&self, secrets: &Secrets) -> PostgresStore {
        store(self.settings(), secrets)
    }

    /// Runs `sql` in it, as the administrator.
    pub(crate) fn sql(&self, sql: &str) -> String {
        self.server.sql(&self.name, sql)
    }

    /// Locks every row of `totals`, for longer than any caller waits, or until [`Database::hang_up`].
    pub(crate) fn hold_totals(&self) {
        let sql = "BEGIN; UPDATE totals SET count = count; SELECT pg_sleep(60)";
        let mut psql = self.server.psql(&self.name, sql).stderr(Stdio::null()).spawn().unwrap();
        thread::spawn(move || psql.wait());
        let held =
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";
        while self.sql(held) == "0" {
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends all connections to it.
    pub(crate) fn hang_up(&self) {
        let own = format!("datname = '{}' AND pid <> pg_backend_pid()", self.name);
        self.sql(&format!("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {own}"));
    }
}

/// A store in `database`.
pub(crate) fn store(database: settings::Database, secrets: &Secrets) -> PostgresStore {
    let text = str::to_owned;
    let aws = AwsSettings {
        region: text("eu-west-1"),
        endpoint: Some(secrets.endpoint()),
        access_key_id: text("AKIDEXAMPLE"),
        secret_access_key: text("a-secret-key"),
        session_token: None,
    };
    PostgresStore::new(database, aws).unwrap()
}

/// A Secrets Manager with one secret.
pub(crate) struct Secrets {
    api: StandIn,
    held: Arc<Mutex<String>>,
    pub(crate) asked: Arc<Mutex<Vec<Received>>>,
}

impl Secrets {
    /// With the login of `database`.
    pub(crate) fn of(database: &Database<'_>) -> Self {
        let (held, asked) = (Arc::<Mutex<String>>::default(), Arc::<Mutex<Vec<Received>>>::default());
        let (holds, seen) = (Arc::clone(&held), Arc::clone(&asked));
        let api = StandIn::start(move |received| {
            seen.lock().unwrap().push(received);
            let secret = holds.lock().unwrap().clone();
            (200, vec![], json!({"ARN": ARN, "SecretString": secret}).to_string())
        });
        let secrets = Self { api, held, asked };
        secrets.hold(&json!({"username": database.name, "password": database.password}).to_string());
        secrets
    }

    /// Returns `secret` from now on.
    pub(crate) fn hold(&self, secret: &str) {
        secret.clone_into(&mut self.held.lock().unwrap());
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.api.address)
    }

    pub(crate) fn times_asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}
