//! Running the program in a folder and an environment of its own.

pub(crate) use bia_testkit::ports::free_port;
use reqwest::{RequestBuilder, Response};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("repository")
}

/// The program with nothing of this machine's environment.
pub(crate) fn bia(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bia"));
    command.current_dir(folder).env_clear();
    // Where the trust store is may come from the environment.
    for name in ["SSL_CERT_FILE", "SSL_CERT_DIR"] {
        if let Ok(value) = std::env::var(name) {
            command.env(name, value);
        }
    }
    command
}

/// Exit code, standard output, standard error.
pub(crate) fn run(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output().expect("started");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (status.code().expect("ended by itself"), text(stdout), text(stderr))
}

/// Keeps cookies by name, as there is one host; follows nothing.
pub(crate) struct Browser {
    client: reqwest::Client,
    cookies: Mutex<BTreeMap<String, String>>,
}

pub(crate) fn browser() -> Browser {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
    Browser { client: builder.build().expect("client"), cookies: Mutex::default() }
}

impl Browser {
    pub(crate) fn get(&self, url: impl reqwest::IntoUrl) -> RequestBuilder {
        self.client.get(url)
    }

    pub(crate) fn post(&self, url: impl reqwest::IntoUrl) -> RequestBuilder {
        self.client.post(url)
    }

    /// Sends with the cookies so far and takes those of the answer.
    pub(crate) async fn send(&self, request: RequestBuilder) -> reqwest::Result<Response> {
        let mut cookies: Vec<String> = Vec::new();
        for (name, value) in self.cookies.lock().expect("cookies").iter() {
            cookies.push(format!("{name}={value}"));
        }
        let answer = request.header("cookie", cookies.join("; ")).send().await?;
        for cookie in answer.headers().get_all("set-cookie") {
            let text = cookie.to_str().expect("text");
            let (name, rest) = text.split_once('=').expect("cookie");
            let value = rest.split(';').next().unwrap_or_default();
            self.cookies.lock().expect("cookies").insert(name.to_owned(), value.to_owned());
        }
        Ok(answer)
    }
}

/// A running server; killed when a test fails before it stops it.
pub(crate) struct Running {
    child: Child,
    log: PathBuf,
    pub(crate) public: String,
    pub(crate) admin: String,
}

impl Running {
    /// Starts the command and waits until both ports answer that they are ready.
    pub(crate) async fn start(mut command: Command, folder: &Path, public: u16, admin: u16) -> Self {
        let log = folder.join("server.log");
        let file = std::fs::File::create(&log).expect("log");
        let child =
            command.stdin(Stdio::null()).stdout(file.try_clone().expect("log")).stderr(file).spawn().expect("started");
        let mut running = Self {
            child,
            log,
            public: format!("http://127.0.0.1:{public}"),
            admin: format!("http://127.0.0.1:{admin}"),
        };
        let client = browser();
        let give_up_at = Instant::now() + Duration::from_secs(60);
        for address in [running.admin.clone(), running.public.clone()] {
            loop {
                let answer = client.get(format!("{address}/health/ready")).send().await;
                if answer.is_ok_and(|answer| answer.status().is_success()) {
                    break;
                }
                if let Ok(Some(status)) = running.child.try_wait() {
                    panic!("ended with {status}: {}", running.log());
                }
                assert!(Instant::now() < give_up_at, "not ready: {}", running.log());
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        running
    }

    /// What it printed so far.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn log(&self) -> String {
        let mut text = String::new();
        std::fs::File::open(&self.log).and_then(|mut file| file.read_to_string(&mut text)).expect("log");
        text
    }

    /// Asks it to end, as a service manager does, and waits.
    pub(crate) fn stop(mut self) -> (i32, String) {
        let kill = Command::new("kill").arg(self.child.id().to_string()).status().expect("kill");
        assert!(kill.success());
        let status = self.child.wait().expect("ended");
        (status.code().unwrap_or(-1), self.log())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder with a schema, a mapper and a `kratos.yml` that serves; tests change its text.
pub(crate) struct Site {
    pub(crate) folder: TempDir,
    pub(crate) public: u16,
    pub(crate) admin: u16,
}

impl Site {
    pub(crate) fn new() -> Self {
        let site = Self { folder: tempfile::tempdir().expect("folder"), public: free_port(), admin: free_port() };
        for (from, to) in
            [("config/identity.schema.json", "person.schema.json"), ("mappers/microsoft.jsonnet", "microsoft.jsonnet")]
        {
            std::fs::copy(root().join(from), site.path(to)).expect("copied");
        }
        site.write("kratos.yml", &site.kratos_yml());
        site
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("written");
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = bia(self.folder.path());
        command.args(args);
        command
    }

    pub(crate) async fn serve(&self, args: &[&str]) -> Running {
        let command = self.command(&[&["serve", "-c", "kratos.yml"], args].concat());
        Running::start(command, self.folder.path(), self.public, self.admin).await
    }

    pub(crate) fn kratos_yml(&self) -> String {
        let (public, admin) = (self.public, self.admin);
        format!(
            "dsn: sqlite://bia.sqlite?_fk=true
serve:
  public: {{ base_url: 'http://127.0.0.1:{public}/', host: 127.0.0.1, port: {public} }}
  admin: {{ base_url: 'http://127.0.0.1:{admin}/', host: 127.0.0.1, port: {admin} }}
identity:
  schemas:
    - id: default
      url: file://person.schema.json
selfservice:
  default_browser_return_url: http://127.0.0.1:{public}/welcome
  flows:
    registration:
      after:
        oidc:
          hooks:
            - hook: session
  methods:
    oidc:
      enabled: true
      config:
        providers:
          - id: microsoft
            provider: microsoft
            client_id: 00001111-aaaa-2222-bbbb-3333cccc4444
            client_secret: not-a-real-secret-0123456789
            microsoft_tenant: 8eaef023-2b34-4da1-9baa-8bc8c9d6a490
            mapper_url: file://microsoft.jsonnet
            scope: [profile, email]
            microsoft:
              authority_host: http://127.0.0.1:9
"
        )
    }

    /// Changes the text of `kratos.yml`; the text to replace must be there.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path("kratos.yml")).expect("kratos.yml");
        assert!(text.contains(from), "{from}");
        self.write("kratos.yml", &text.replace(from, to));
    }
}
