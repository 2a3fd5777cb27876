//! Who is believed to be the database: a server whose certificate has the host's name, and comes from RDS's
//! authorities (`certificates/README.md`) or from those in a file. No authority of the system is.

use std::{fs, path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use tokio_postgres_rustls::MakeRustlsConnect;

const RDS: &[u8] = include_bytes!("../../../certificates/rds.pem");

/// TLS with the authorities in `file`, or else RDS's; none where the file has none.
pub(super) fn connector(file: Option<&Path>) -> Option<MakeRustlsConnect> {
    let roots = match file {
        Some(file) => authorities(&fs::read(file).ok()?)?,
        None => authorities(RDS)?,
    };
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let config = config.with_safe_default_protocol_versions().ok()?;
    Some(MakeRustlsConnect::new(config.with_root_certificates(roots).with_no_client_auth()))
}

/// The certificates in `pem`; none where there is none, or one of them is not one.
fn authorities(pem: &[u8]) -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        roots.add(certificate.ok()?).ok()?;
    }
    (!roots.is_empty()).then_some(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_rds_authorities_can_be_read() {
        assert_eq!(authorities(RDS).unwrap().len(), 81);
    }

    #[test]
    fn a_file_without_a_certificate_is_refused() {
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for pem in ["", "text", broken] {
            assert!(authorities(pem.as_bytes()).is_none(), "{pem}");
        }
    }
}
