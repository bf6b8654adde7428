//! The command line of `flcm serve`: its options, its log, and the signals that stop it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use flcm_flags::Millis;
use tracing_subscriber::EnvFilter;

use crate::error::StartError;
use crate::options::{Dashboard, Edits, Options, Webhook, WebhookFormat};
use crate::proxies::ProxyNetwork;
use crate::server::Server;
use crate::signing::SignerOptions;

mod environment;
mod listen;
mod signals;
mod webhooks;

use webhooks::EventKinds;

/// Serve flags to hosts, collect their metrics, roll back for all of them
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The server watches the document. It publishes each edit that has no errors; an edit with errors is logged, and the revision in \
use stays. Revisions, audit, counts and the state of breakers are in the database beside the document.

Without --keys the server listens on this machine only, and everyone there may do everything.

SIGHUP has it read --keys, --signing-key, --tls-cert and --tls-key again; streams of keys that are gone end. SIGTERM \
ends it, after what has begun is done and everything is stored.

FLCM_LOG sets what is logged, such as `debug`. FLCM_WEBHOOK_SECRET signs what is sent to --webhook addresses. With \
--otlp-endpoint, the variables OTEL_EXPORTER_OTLP_HEADERS, OTEL_METRIC_EXPORT_INTERVAL, OTEL_RESOURCE_ATTRIBUTES and \
OTEL_SERVICE_NAME are read as OpenTelemetry defines them.")]
pub struct ServeArgs {
    /// The document, YAML or JSON, or what `flcm sign` has written, which is served as it is; without one the newest
    /// revision of the database is served
    #[arg(value_name = "DOC")]
    document: Option<PathBuf>,
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8787", value_parser = listen::parse)]
    listen: SocketAddr,
    /// The database. Default: the document's path with `.db` in place of its ending
    #[arg(long, value_name = "FILE")]
    database: Option<PathBuf>,
    /// Where edits over HTTP go: `file` writes them back, `database` leaves the file as it is, `none` refuses them.
    /// Default: `file` if it can be written, `none` if it cannot, `database` without a document
    #[arg(long, value_name = "WHERE")]
    edits: Option<Edits>,
    /// Keys and their roles: a JSON list of the lines that `flcm key` prints
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Sign snapshots with this Ed25519 key, as `flcm key sign` makes it; twice while one key replaces the other
    #[arg(long = "signing-key", value_name = "FILE", requires = "audience")]
    signing_keys: Vec<PathBuf>,
    /// For whom snapshots are signed, such as `prod`: hosts name the same
    #[arg(long, value_name = "NAME", requires = "signing_keys")]
    audience: Option<String>,
    /// A higher epoch lets hosts that trust the key go back to lower revisions
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    epoch: u32,
    /// How long a signature holds, such as `7d` or `12h`; it is renewed long before
    #[arg(long = "valid", value_name = "TIME", default_value = "7d", value_parser = parse_validity)]
    valid: Millis,
    /// Allow pages of this origin, such as `https://shop.example.com`, or `*` for all; may be given several times
    #[arg(long = "origin", value_name = "ORIGIN")]
    origins: Vec<String>,
    /// Believe the `X-Forwarded-For` of this proxy, such as `127.0.0.1`, or of those of a network, such as
    /// `10.0.0.0/8`; may be given several times
    #[arg(long = "trusted-proxy", value_name = "NETWORK")]
    proxies: Vec<ProxyNetwork>,
    /// Certificate chain, a PEM file: turns TLS on
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key of the certificate, a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Post events to this address as JSON; may be given several times
    #[arg(long = "webhook", value_name = "URL")]
    webhooks: Vec<String>,
    /// What a --webhook receives: some of `rollback,hold,publish,refused`. Default: all. Given once, it is for each
    /// --webhook; given several times, for the first, the second and so on
    #[arg(long, value_name = "KINDS", requires = "webhooks", value_parser = webhooks::kinds)]
    webhook_events: Vec<EventKinds>,
    /// Post events to this address in Slack's format; may be given several times
    #[arg(long = "slack", value_name = "URL")]
    slack: Vec<String>,
    /// What a --slack receives, like --webhook-events
    #[arg(long, value_name = "KINDS", requires = "slack", value_parser = webhooks::kinds)]
    slack_events: Vec<EventKinds>,
    /// Push metrics to this collector of OpenTelemetry, by OTLP over HTTP, such as `http://localhost:4318`
    #[arg(long, value_name = "URL")]
    otlp_endpoint: Option<String>,
    /// Refuse more connections than this
    #[arg(long, value_name = "COUNT", default_value_t = 20_000)]
    max_connections: usize,
    /// Refuse larger batches of metrics
    #[arg(long, value_name = "BYTES", default_value_t = 8 << 20)]
    max_batch: usize,
    /// After SIGTERM, serve for so long while /readyz asks load balancers to choose another server
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    drain_delay: u64,
    /// Where people edit the document, such as `https://git.example.com/flags/edit/main/{path}`: the dashboard leads
    /// there
    #[arg(long, value_name = "URL")]
    edit_url: Option<String>,
    /// Keep about so many bytes of what was counted over time, such as `256M` or `1G`; 0 keeps none
    #[arg(long, value_name = "BYTES", default_value = "256M", value_parser = parse_bytes)]
    history: u64,
    /// Serve the dashboard from this folder, for whoever works on it
    #[arg(long, value_name = "FOLDER")]
    dashboard: Option<PathBuf>,
    /// Serve no dashboard
    #[arg(long, conflicts_with = "dashboard")]
    no_dashboard: bool,
    /// Log as JSON lines
    #[arg(long)]
    log_json: bool,
}

impl ServeArgs {
    /// The document, if one is named.
    #[must_use]
    pub fn document(&self) -> Option<&Path> {
        self.document.as_deref()
    }

    /// Runs a server until the process is stopped; whether everything is stored then. `/ui/` serves this dashboard,
    /// unless the options name another one. Sets up the log, with colours if `ansi`, and calls `listening` with the
    /// address once it listens.
    ///
    /// With `--log-json`, the address and a failed start are logged as well, so that each line is JSON.
    ///
    /// # Errors
    /// The server cannot start: describes what is wrong, and how to fix it.
    pub fn run(self, ansi: bool, dashboard: Dashboard, listening: impl FnOnce(SocketAddr)) -> Result<bool, StartError> {
        let as_json = self.log_json;
        log(as_json, ansi);
        let result =
            self.serve(
                dashboard,
                |address| if as_json { tracing::info!(%address, "listening") } else { listening(address) },
            );
        match result {
            Err(error) if as_json => {
                error.log();
                Ok(false)
            }
            result => result,
        }
    }

    fn serve(self, dashboard: Dashboard, listening: impl FnOnce(SocketAddr)) -> Result<bool, StartError> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| system(&error))?;
        runtime.block_on(async {
            let server = Server::bind(self.into_options(dashboard)?).await?;
            // Listens to signals before it reports its address: whoever reads that may send a signal at once.
            let stopped = signals::stopped().map_err(|error| system(&error))?;
            signals::reload_on_hangup(server.reloader()).map_err(|error| system(&error))?;
            // With port 0, the system has chosen one.
            listening(server.address().map_err(|error| system(&error))?);
            Ok(server.run(stopped).await)
        })
    }

    fn into_options(self, embedded: Dashboard) -> Result<Options, StartError> {
        let dashboard = match self.dashboard {
            _ if self.no_dashboard => Dashboard::None,
            Some(folder) => Dashboard::Folder(folder),
            None => embedded,
        };
        let database =
            self.database.or_else(|| Some(self.document.as_ref()?.with_extension("db"))).ok_or_else(|| {
                StartError::other("neither a document nor a database", "name a document, such as feature-flags.yaml")
            })?;
        let (keys, epoch, valid) = (self.signing_keys, self.epoch, self.valid);
        let signer = self.audience.map(|audience| SignerOptions { keys, audience, epoch, valid });
        let secret = environment::webhook_secret(std::env::var_os("FLCM_WEBHOOK_SECRET"))?;
        let otlp = self
            .otlp_endpoint
            .map(|endpoint| environment::read(endpoint, |name| std::env::var(name).ok()))
            .transpose()?;
        let json = webhooks::pairs("--webhook", self.webhooks, &self.webhook_events)?.into_iter();
        let json =
            json.map(|(url, events)| Webhook { url, format: WebhookFormat::Json, secret: secret.clone(), events });
        let slack = webhooks::pairs("--slack", self.slack, &self.slack_events)?.into_iter();
        let slack = slack.map(|(url, events)| Webhook { url, format: WebhookFormat::Slack, secret: None, events });
        Ok(Options {
            address: self.listen,
            document: self.document,
            edits: self.edits,
            database,
            keys: self.keys,
            signer,
            origins: self.origins,
            proxies: self.proxies,
            tls: self.tls_cert.zip(self.tls_key),
            webhooks: json.chain(slack).collect(),
            otlp,
            edit_url: self.edit_url,
            history: self.history,
            dashboard,
            connections: connections(self.max_connections),
            drain_delay: Duration::from_secs(self.drain_delay),
            batch_bytes: self.max_batch,
        })
    }
}

/// Reads for how long something holds: minutes, hours or days, such as `30d`.
///
/// # Errors
/// Says how to write it.
pub fn parse_validity(text: &str) -> Result<Millis, String> {
    let parsed = text.split_at_checked(text.len().saturating_sub(1)).and_then(|(number, unit)| {
        let minutes: u64 = match unit {
            "m" => 1,
            "h" => 60,
            "d" => 24 * 60,
            _ => return None,
        };
        let number: u64 = number.parse().ok()?;
        Some(Millis(number.checked_mul(minutes)?.checked_mul(60_000)?))
    });
    let in_range = parsed.filter(|valid| (60_000..=LONGEST).contains(&valid.0));
    in_range.ok_or_else(|| "write minutes, hours or days, up to ten years: `90m`, `12h` or `30d`".to_owned())
}

/// Reads a number of bytes, such as `256M`.
fn parse_bytes(text: &str) -> Result<u64, String> {
    let (number, shift) = match text.split_at_checked(text.len().saturating_sub(1)) {
        Some((number, "K")) => (number, 10),
        Some((number, "M")) => (number, 20),
        Some((number, "G")) => (number, 30),
        _ => (text, 0),
    };
    let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(1 << shift));
    bytes.ok_or_else(|| "write bytes such as 268435456, or 256M".to_owned())
}

/// Ten years, in milliseconds: what holds longer than that never expires.
const LONGEST: u64 = 3653 * 24 * 3_600_000;

fn system(error: &std::io::Error) -> StartError {
    StartError::other(format!("the system refuses: {error}"), "free some memory, or raise its limits")
}

/// The limit of connections that the system allows. Files, the database and refused connections need file descriptors
/// as well.
fn connections(wanted: usize) -> usize {
    const OTHERS: u64 = 256;
    let allowed = rlimit::increase_nofile_limit(wanted as u64 + OTHERS).unwrap_or(1024);
    let most = usize::try_from(allowed.saturating_sub(OTHERS)).unwrap_or(wanted).min(wanted);
    if most < wanted {
        tracing::warn!("the system allows {most} connections, not {wanted}: raise `ulimit -n`");
    }
    most
}

fn log(json: bool, ansi: bool) {
    let filter = EnvFilter::try_from_env("FLCM_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if json { lines.json().init() } else { lines.with_target(false).with_ansi(ansi).init() }
}
