//! Lists that come in pages, as one stream of rows.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::{Stream, StreamExt, stream};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use wire::contract::Kind;

use crate::Error;
use crate::client::Client;
use crate::http::{malformed, object};

/// Rows asked for at once, where the request does not say.
const PAGE_SIZE: u64 = 200;

/// All rows of a list or search operation, page by page, fetched as they are
/// read; see [`Client::rows`].
pub struct Rows<T> {
    stream: Pin<Box<dyn Stream<Item = Result<T, Error>> + Send>>,
}

impl<T> Rows<T> {
    /// The next row; `None` after the last, and after an error.
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        self.stream.next().await
    }

    /// The rest of the rows at once: for lists that are known to be short.
    pub async fn collect(mut self) -> Result<Vec<T>, Error> {
        let mut rows = Vec::new();
        while let Some(row) = self.next().await {
            rows.push(row?);
        }
        Ok(rows)
    }
}

impl<T> Stream for Rows<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.stream.poll_next_unpin(cx)
    }
}

impl<T> fmt::Debug for Rows<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rows")
    }
}

/// Where a stream of rows stands.
struct Pages<T> {
    client: Client,
    path: String,
    version: String,
    /// The answer's member that has the rows.
    member: &'static str,
    params: Map<String, Value>,
    page_size: u64,
    next_page: u64,
    /// Rows of the pages before.
    seen: u64,
    rows: VecDeque<T>,
    last: bool,
}

impl Client {
    /// All rows of a list or search operation, page by page, fetched as they
    /// are read. `params` are its filters; `page` is set here, and
    /// `page_size` where it is not told. After an error the stream is over.
    /// Rows that come or go while it runs may be missed or seen twice: the
    /// API's pages are counted from the start each time.
    ///
    /// ```no_run
    /// # async fn example(pbx: strowger_client::Client) -> Result<(), strowger_client::Error> {
    /// use strowger_client::{Value, json};
    /// let mut rows = pbx.rows::<Value, _>("v1.0", "cdr/list", &json!({}));
    /// while let Some(row) = rows.next().await {
    ///     let row = row?;
    ///     println!("{} {}", row["time"], row["call_from"]);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn rows<T, Q>(&self, version: &str, path: &str, params: &Q) -> Rows<T>
    where
        T: DeserializeOwned + Send + 'static,
        Q: Serialize + ?Sized,
    {
        let params = serde_json::to_value(params)
            .map_err(|error| Error::Request(error.to_string()))
            .and_then(object);
        let start = params.map(|params| Pages {
            client: self.clone(),
            path: path.to_owned(),
            version: version.to_owned(),
            member: rows_member(version, path),
            page_size: params
                .get("page_size")
                .and_then(Value::as_u64)
                .filter(|size| *size > 0)
                .unwrap_or(PAGE_SIZE),
            params,
            next_page: 1,
            seen: 0,
            rows: VecDeque::new(),
            last: false,
        });
        let rows = stream::try_unfold(Some(start), |state| async move {
            let mut pages: Pages<T> = match state {
                Some(pages) => pages?,
                None => return Ok(None),
            };
            while pages.rows.is_empty() && !pages.last {
                pages.fetch().await?;
            }
            let row = pages.rows.pop_front();
            Ok(row.map(|row| (row, Some(Ok(pages)))))
        });
        Rows {
            stream: Box::pin(rows),
        }
    }
}

/// The member of an answer that has the rows: `data`, mostly.
fn rows_member(version: &str, path: &str) -> &'static str {
    let operation = wire::contract::operation(version, path);
    operation
        .and_then(|operation| {
            operation.response.iter().find(|member| {
                matches!(
                    member.kind,
                    Kind::NamedList(_) | Kind::Objects | Kind::Strings | Kind::Integers
                )
            })
        })
        .map_or("data", |member| member.name)
}

impl<T: DeserializeOwned> Pages<T> {
    async fn fetch(&mut self) -> Result<(), Error> {
        let mut params = self.params.clone();
        params.insert("page".into(), json!(self.next_page));
        params.insert("page_size".into(), json!(self.page_size));
        let mut answer = self
            .client
            .ask(&self.version, &self.path, Value::Object(params))
            .await?;
        let total = answer.get("total_number").and_then(Value::as_u64);
        let rows = match answer.get_mut(self.member).map(Value::take) {
            Some(Value::Array(rows)) => rows,
            _ => Vec::new(),
        };
        self.seen += rows.len() as u64;
        // A PBX whose largest page is smaller than what was asked for gives
        // less and counts its pages by that.
        self.last = rows.is_empty() || total.is_some_and(|total| self.seen >= total);
        self.next_page += 1;
        for row in rows {
            let row = serde_json::from_value(row).map_err(|e| malformed(&self.path, &e))?;
            self.rows.push_back(row);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_where_the_contract_says() {
        assert_eq!(rows_member("v1.0", "extension/list"), "data");
        assert_eq!(rows_member("v1.0", "queue/list"), "queue_list");
        assert_eq!(rows_member("v9.0", "unheard/of"), "data");
    }
}
