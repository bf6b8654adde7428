//! `flcm serve`: runs the server.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use flcm_flags_server::{Keys, Server, StartError, Webhook, WebhookFormat};
use tracing_subscriber::EnvFilter;

use crate::failure::Failure;
use crate::{source, style};

mod otlp;

/// Run the server: serve flags, collect metrics, roll back flags on all hosts
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The document is watched. An edit is checked and published; if it has errors, the flags in use stay. Revisions, the \
audit log, counts and the state of breakers are in the database beside it.

Without --keys the server listens on this machine only, and every caller may do everything.

FLCM_LOG sets the log level, such as `debug`. FLCM_WEBHOOK_SECRET signs the requests to --webhook addresses. Together \
with --otlp-endpoint the server reads OTEL_EXPORTER_OTLP_HEADERS, OTEL_METRIC_EXPORT_INTERVAL, \
OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME, as OpenTelemetry defines them.")]
pub(crate) struct Options {
    /// The document, YAML or JSON; without one the newest revision of the database is served
    #[arg(value_name = "DOC")]
    document: Option<PathBuf>,
    /// The address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8787")]
    listen: SocketAddr,
    /// The database. Default: the document's path with `.db` in place of its ending
    #[arg(long, value_name = "FILE")]
    database: Option<PathBuf>,
    /// API keys and their roles: a JSON list of the lines that `flcm key` prints
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Allow requests from pages of this origin, such as `https://shop.example.com`; `*` allows all; may be repeated
    #[arg(long = "origin", value_name = "ORIGIN")]
    origins: Vec<String>,
    /// Certificate chain, a PEM file; turns TLS on
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key of the certificate, a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Send the events of breakers to this address, as JSON; may be repeated
    #[arg(long = "webhook", value_name = "URL")]
    webhooks: Vec<String>,
    /// Send the events of breakers to this Slack webhook; may be repeated
    #[arg(long = "slack", value_name = "URL")]
    slack: Vec<String>,
    /// Push metrics to this OpenTelemetry collector, by OTLP over HTTP, such as `http://localhost:4318`
    #[arg(long, value_name = "URL")]
    otlp_endpoint: Option<String>,
    /// The largest number of connections; more are refused
    #[arg(long, value_name = "COUNT", default_value_t = 20_000)]
    max_connections: usize,
    /// The largest batch of metrics; a larger one is refused
    #[arg(long, value_name = "BYTES", default_value_t = 16 << 20)]
    max_batch: usize,
    /// Write the log as JSON
    #[arg(long)]
    log_json: bool,
}

pub(crate) fn run(options: Options) -> Result<bool, Failure> {
    log(options.log_json);
    let name = options.document.as_deref().map(source::display);
    let text = options.document.clone();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let server =
            Server::bind(options.into_server()?).await.map_err(|error| failure(error, name, text.as_deref()))?;
        // Before the address is printed: whoever has read it may send a signal at once.
        let stopped = stopped()?;
        // For port 0 the system has chosen a port.
        style::note(&format!("listening on {}", server.address()?));
        Ok(server.run(stopped).await)
    })
}

impl Options {
    fn into_server(self) -> Result<flcm_flags_server::Options, Failure> {
        let database =
            self.database.or_else(|| Some(self.document.as_ref()?.with_extension("db"))).ok_or_else(|| {
                Failure::new("neither a document nor a database is given", "try `flcm serve feature-flags.yaml`")
            })?;
        let keys = self.keys.as_deref().map(read_keys).transpose()?.unwrap_or_default();
        let secret = std::env::var("FLCM_WEBHOOK_SECRET").ok();
        let otlp =
            self.otlp_endpoint.map(|endpoint| otlp::read(endpoint, |name| std::env::var(name).ok())).transpose()?;
        let hooks =
            self.webhooks.into_iter().map(|url| Webhook { url, format: WebhookFormat::Json, secret: secret.clone() });
        let slack = self.slack.into_iter().map(|url| Webhook { url, format: WebhookFormat::Slack, secret: None });
        Ok(flcm_flags_server::Options {
            address: self.listen,
            document: self.document,
            database,
            keys,
            origins: self.origins,
            tls: self.tls_cert.zip(self.tls_key),
            webhooks: hooks.chain(slack).collect(),
            otlp,
            connections: connections(self.max_connections),
            batch_bytes: self.max_batch,
        })
    }
}

fn read_keys(path: &Path) -> Result<Keys, Failure> {
    let name = source::display(path);
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file("read", &name, &error))?;
    Keys::from_json(&text).map_err(|error| {
        Failure::new(format!("{name}: {error}"), "write a JSON list of the lines that `flcm key` prints")
    })
}

/// As many connections as the system allows. Files, the database and refused connections need descriptors as well.
fn connections(wanted: usize) -> usize {
    const OTHERS: u64 = 256;
    let allowed = rlimit::increase_nofile_limit(wanted as u64 + OTHERS).unwrap_or(1024);
    let most = usize::try_from(allowed.saturating_sub(OTHERS)).unwrap_or(wanted).min(wanted);
    if most < wanted {
        style::warning(&format!("the system allows {most} connections, not {wanted}: raise `ulimit -n`"));
    }
    most
}

fn failure(error: StartError, name: Option<String>, document: Option<&Path>) -> Failure {
    match error {
        StartError::Other(what, help) => Failure::new(what, help),
        StartError::Refused(diagnostics) => {
            let name = name.unwrap_or_default();
            let text = document.and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
            source::refused(&diagnostics, &name, &text)
        }
    }
}

/// Completes when the process is asked to end, by SIGINT or SIGTERM. Both are caught from now on.
#[cfg(unix)]
fn stopped() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
fn stopped() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async { _ = tokio::signal::ctrl_c().await })
}

fn log(json: bool) {
    let filter = EnvFilter::try_from_env("FLCM_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let ansi = style::is_error_coloured();
    if json { lines.json().init() } else { lines.with_target(false).with_ansi(ansi).init() }
}
