//! Whom to trust.

use std::{path::Path, sync::Arc};

use tokio_rustls::rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::OpenError;

/// TLS with servers for whom somebody in the file vouches, and nobody else.
pub(crate) async fn trusting(path: &Path) -> Result<Arc<ClientConfig>, OpenError> {
    let pem =
        tokio::fs::read(path).await.map_err(|source| OpenError::Certificates { path: path.to_owned(), source })?;
    let unusable = || OpenError::NoCertificates { path: path.to_owned() };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|_| unusable())?;
        roots.add(certificate).map_err(|_| unusable())?;
    }
    if roots.is_empty() {
        return Err(unusable());
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = versions.map_err(|_| unusable())?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_without_certificates_is_refused() {
        let missing = trusting(Path::new("/nowhere/ca.pem")).await.unwrap_err();
        assert!(matches!(missing, OpenError::Certificates { .. }));
        let other = trusting(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))).await.unwrap_err();
        assert!(matches!(other, OpenError::NoCertificates { .. }));
    }
}
