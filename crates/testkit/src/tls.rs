//! Endpoints with TLS, good and bad, and the authority that vouches for them.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivatePkcs8KeyDer},
};
use std::{io, net::SocketAddr, sync::Arc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};
use tokio_rustls::TlsAcceptor;

/// What is wrong with an endpoint's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    None,
    Expired,
    /// It is for somebody else.
    OtherName,
    /// Nobody vouches for it but itself.
    SelfSigned,
}

/// Signs certificates of this test run.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// An endpoint on a free port of 127.0.0.1 that answers 200 to whoever trusts its certificate. Dropping it closes it.
pub struct TlsEndpoint {
    address: SocketAddr,
    server: AbortHandle,
}

impl Authority {
    /// Panics where no certificate can be made.
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// What a client has to trust.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    pub async fn endpoint(&self, flaw: Flaw) -> io::Result<TlsEndpoint> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let acceptor = TlsAcceptor::from(Arc::new(self.config(flaw)));
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(acceptor.clone(), stream));
            }
        });
        Ok(TlsEndpoint { address, server: server.abort_handle() })
    }

    fn config(&self, flaw: Flaw) -> ServerConfig {
        let name = if flaw == Flaw::OtherName { "elsewhere.example" } else { "127.0.0.1" };
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        if flaw == Flaw::Expired {
            (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
        }
        let key = KeyPair::generate().expect("a key");
        let signed = match flaw {
            Flaw::SelfSigned => params.self_signed(&key),
            _ => params.signed_by(&key, &self.issuer),
        };
        let certificate = CertificateDer::from(signed.expect("a certificate"));
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![certificate], key.into()))
            .expect("a configuration")
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl TlsEndpoint {
    pub fn url(&self) -> String {
        format!("https://{}/", self.address)
    }
}

impl Drop for TlsEndpoint {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(acceptor: TlsAcceptor, stream: TcpStream) -> io::Result<()> {
    let mut stream = acceptor.accept(stream).await?;
    let mut buffer = vec![0; 65_536];
    // A delivery of a test is smaller than this, and so read at once or in two pieces.
    while stream.read(&mut buffer).await? > 0 {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await?;
        stream.shutdown().await?;
    }
    Ok(())
}
