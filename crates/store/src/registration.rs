//! Registrations as rows: where phones are reachable, over a restart.

use sqlx::Row;

use crate::error::StoreError;
use crate::store::Store;

/// One registered contact.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegistrationRow {
    /// The extension's number.
    pub extension: String,
    /// The Contact's URI.
    pub contact_uri: String,
    /// Our socket that the REGISTER came in by.
    pub flow_local: String,
    /// Where it came from.
    pub flow_remote: String,
    /// The transport's name.
    pub transport: String,
    /// When it runs out, unix seconds.
    pub expires_at: i64,
    /// Call-ID of the REGISTER.
    pub call_id: String,
    /// Its CSeq number.
    pub cseq: i64,
    /// What the device says it is.
    pub user_agent: String,
    /// `+sip.instance`; not empty.
    pub instance: Option<String>,
    /// `Path`.
    pub path: Option<String>,
    /// The contact's preference.
    pub q: Option<String>,
    /// A mark of the credentials that it was made by; none where an older
    /// version kept it.
    pub credentials: Option<i64>,
}

/// A change to a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistrationChange {
    /// Writes it, over one of the same extension, contact and instance.
    Put(RegistrationRow),
    /// Removes it.
    Remove {
        /// The extension's number.
        extension: String,
        /// The Contact's URI.
        contact_uri: String,
        /// `+sip.instance` it was registered with.
        instance: Option<String>,
    },
}

impl RegistrationChange {
    /// By what rows are told apart; an instance that is none is empty.
    pub(crate) fn key(&self) -> [&str; 3] {
        let (extension, contact_uri, instance) = match self {
            Self::Put(row) => (&row.extension, &row.contact_uri, &row.instance),
            Self::Remove {
                extension,
                contact_uri,
                instance,
            } => (extension, contact_uri, instance),
        };
        [
            extension,
            contact_uri,
            instance.as_deref().unwrap_or_default(),
        ]
    }
}

impl Store {
    /// All registrations, also those that have run out; oldest expiry first.
    pub async fn registrations(&self) -> Result<Vec<RegistrationRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT extension, contact_uri, flow_local, flow_remote, transport, expires_at, \
             call_id, cseq, user_agent, instance, path, q, credentials FROM registration \
             ORDER BY expires_at, extension, contact_uri, instance",
        )
        .fetch_all(self.readers())
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(RegistrationRow {
                    extension: row.try_get(0)?,
                    contact_uri: row.try_get(1)?,
                    flow_local: row.try_get(2)?,
                    flow_remote: row.try_get(3)?,
                    transport: row.try_get(4)?,
                    expires_at: row.try_get(5)?,
                    call_id: row.try_get(6)?,
                    cseq: row.try_get(7)?,
                    user_agent: row.try_get(8)?,
                    instance: Some(row.try_get(9)?)
                        .filter(|instance: &String| !instance.is_empty()),
                    path: row.try_get(10)?,
                    q: row.try_get(11)?,
                    credentials: row.try_get(12)?,
                })
            })
            .collect()
    }
}
