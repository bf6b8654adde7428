//! TLS by rustls: for the server, if it has a certificate, and for the HTTP clients of webhooks and OTLP.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

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

/// Reads the certificate chain and the private key.
pub(crate) fn acceptor(chain: &Path, key: &Path) -> Result<TlsAcceptor, StartError> {
    let pem = "it must be a PEM file";
    let wrong = |path: &Path, error: &dyn std::fmt::Display| {
        StartError::other(format!("cannot use {}: {error}", path.display()), pem)
    };
    let certificates = CertificateDer::pem_file_iter(chain).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = certificates.map_err(|error| wrong(chain, &error))?;
    let key_der = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, &error))?;
    let builder = ServerConfig::builder_with_provider(Arc::new(provider())).with_safe_default_protocol_versions();
    let built = builder.and_then(|builder| builder.with_no_client_auth().with_single_cert(certificates, key_der));
    let mut config = built.map_err(|error| wrong(chain, &error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
