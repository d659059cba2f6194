//! Configuration objects as rows: a document, its unique keys, its references.

use sqlx::Row;

use crate::error::StoreError;
use crate::store::Store;

/// One stored object.
#[derive(Clone, PartialEq, Eq)]
pub struct Object {
    /// Its kind, such as `extension`.
    pub kind: String,
    /// Its id within the kind.
    pub id: i64,
    /// The settings revision that wrote it.
    pub revision: i64,
    /// Its members as JSON, without secrets.
    pub doc: String,
    /// Its secrets, sealed.
    pub secret: Option<Vec<u8>>,
}

impl std::fmt::Debug for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Object")
            .field("kind", &self.kind)
            .field("id", &self.id)
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

/// A value that no other object of the kind may have under the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectKey {
    /// The key's name, such as `number`.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A reference from an object to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRef {
    /// The member that holds it.
    pub member: String,
    /// Kind of the object that is meant.
    pub kind: String,
    /// Its id.
    pub id: i64,
}

/// A change to an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectChange {
    /// Writes it, with what is new of its keys and references.
    Put {
        /// The object.
        object: Object,
        /// Unique keys that it did not have.
        keys: Vec<ObjectKey>,
        /// Unique keys that it has no more.
        freed: Vec<ObjectKey>,
        /// References that it did not have.
        refs: Vec<ObjectRef>,
        /// References that it has no more.
        gone: Vec<ObjectRef>,
    },
    /// Removes it with its keys and references.
    Delete {
        /// Its kind.
        kind: String,
        /// Its id.
        id: i64,
    },
}

impl ObjectChange {
    /// Kind and id of the object that it is about.
    pub fn of(&self) -> (&str, i64) {
        match self {
            Self::Put { object, .. } => (&object.kind, object.id),
            Self::Delete { kind, id } => (kind, *id),
        }
    }
}

impl Store {
    /// All objects of a kind, by id.
    pub async fn objects(&self, kind: &str) -> Result<Vec<Object>, StoreError> {
        self.objects_after(kind, i64::MIN, i64::MAX).await
    }

    /// At most so many objects of a kind, by id, from the one behind an id on.
    pub async fn objects_after(
        &self,
        kind: &str,
        id: i64,
        most: i64,
    ) -> Result<Vec<Object>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, revision, doc, secret FROM object \
             WHERE kind = $1 AND id > $2 ORDER BY id LIMIT $3",
        )
        .bind(kind)
        .bind(id)
        .bind(most)
        .fetch_all(self.readers())
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(Object {
                    kind: kind.to_owned(),
                    id: row.try_get(0)?,
                    revision: row.try_get(1)?,
                    doc: row.try_get(2)?,
                    secret: row.try_get(3)?,
                })
            })
            .collect()
    }
}
