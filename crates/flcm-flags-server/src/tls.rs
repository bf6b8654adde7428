//! TLS by rustls: for the server, if it has a certificate, and for the HTTP clients of webhooks and OTLP.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{Error, ServerConfig};

use crate::bounded_file;
use crate::error::StartError;

/// The cryptography provider of all connections.
fn provider() -> CryptoProvider {
    ring::default_provider()
}

/// An HTTP client. It follows no redirect, which could take secrets elsewhere.
pub(crate) fn client(timeout: Duration) -> ClientBuilder {
    // A program that embeds the server may have installed one already.
    let _ = provider().install_default();
    Client::builder().timeout(timeout).redirect(Policy::none())
}

/// The certificate of the server, which can be read again while it runs.
#[derive(Debug)]
pub(crate) struct Tls {
    chain: PathBuf,
    key: PathBuf,
    config: ArcSwap<ServerConfig>,
}

impl Tls {
    /// Reads the certificate chain and the private key.
    pub(crate) fn read(chain: PathBuf, key: PathBuf) -> Result<Self, StartError> {
        let config = ArcSwap::from(config(&chain, &key)?);
        Ok(Self { chain, key, config })
    }

    /// Reads both again, for connections from now on. If they cannot be used, those in use stay.
    pub(crate) fn reload(&self) -> Result<(), StartError> {
        self.config.store(config(&self.chain, &self.key)?);
        Ok(())
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.config.load_full().into()
    }
}

fn config(chain: &Path, key: &Path) -> Result<Arc<ServerConfig>, StartError> {
    let wrong = |path: &Path, error: &dyn std::fmt::Display| {
        StartError::other(format!("cannot use {}: {error}", path.display()), "it must be a PEM file")
    };
    let read = |path| bounded_file::read(path, bounded_file::SMALL_BYTES).map_err(|error| wrong(path, &error));
    let certificates = CertificateDer::pem_slice_iter(&read(chain)?).collect::<Result<Vec<_>, _>>();
    let certificates = certificates.map_err(|error| wrong(chain, &error))?;
    if certificates.is_empty() {
        return Err(wrong(chain, &"it contains no certificate"));
    }
    let key_der = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|error| wrong(key, &error))?;
    let builder = ServerConfig::builder_with_provider(Arc::new(provider())).with_safe_default_protocol_versions();
    let built = builder.and_then(|builder| builder.with_no_client_auth().with_single_cert(certificates, key_der));
    let mut config = built.map_err(|error| match error {
        Error::InconsistentKeys(_) => {
            let what = format!("the private key {} does not fit the certificate {}", key.display(), chain.display());
            StartError::other(what, "name the key with which the certificate was requested; its own one comes first")
        }
        error => wrong(chain, &error),
    })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
