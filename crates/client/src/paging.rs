//! Lists that come in pages, as one stream of rows.

use std::collections::VecDeque;

use futures_util::Stream;
use futures_util::stream;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::http::{Client, malformed};
use crate::{Error, Map};

/// Rows asked for at once.
const PAGE_SIZE: u64 = 200;

/// Where a stream of rows stands.
struct Pages<T> {
    client: Client,
    path: String,
    version: String,
    params: Map<String, Value>,
    next_page: u64,
    rows: VecDeque<T>,
    /// Rows received so far.
    seen: u64,
    last: bool,
}

impl Client {
    /// All rows of a list or search operation, page by page, fetched as they
    /// are read. `params` are its filters; `page` and `page_size` are set
    /// here. After an error the stream is over. Rows that come or go while it
    /// runs may be missed or seen twice: the API's pages are counted from the
    /// start each time.
    ///
    /// ```no_run
    /// # async fn example(pbx: client::Client) -> Result<(), client::Error> {
    /// use std::pin::pin;
    /// use futures_util::TryStreamExt;
    /// let rows = pbx.rows::<client::Value>("v1.0", "cdr/list", client::json!({}));
    /// let mut rows = pin!(rows);
    /// while let Some(row) = rows.try_next().await? {
    ///     println!("{} {}", row["time"], row["call_from"]);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn rows<T: DeserializeOwned>(
        &self,
        version: &str,
        path: &str,
        params: Value,
    ) -> impl Stream<Item = Result<T, Error>> + use<T> {
        let params = match params {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        let pages = Pages {
            client: self.clone(),
            path: path.to_owned(),
            version: version.to_owned(),
            params,
            next_page: 1,
            rows: VecDeque::new(),
            seen: 0,
            last: false,
        };
        stream::try_unfold(pages, |mut pages| async move {
            while pages.rows.is_empty() && !pages.last {
                pages.fetch().await?;
            }
            Ok(pages.rows.pop_front().map(|row| (row, pages)))
        })
    }
}

impl<T: DeserializeOwned> Pages<T> {
    async fn fetch(&mut self) -> Result<(), Error> {
        let mut params = self.params.clone();
        params.insert("page".into(), json!(self.next_page));
        params.insert("page_size".into(), json!(PAGE_SIZE));
        let mut answer = self
            .client
            .call(&self.version, &self.path, Value::Object(params))
            .await?;
        let total = answer.get("total_number").and_then(Value::as_u64);
        let data = match answer.get_mut("data").map(Value::take) {
            Some(Value::Array(rows)) => rows,
            _ => Vec::new(),
        };
        self.seen += data.len() as u64;
        // A PBX with a smaller largest page than ours ends by an empty one.
        self.last = data.is_empty() || total.is_some_and(|total| self.seen >= total);
        self.next_page += 1;
        for row in data {
            let row = serde_json::from_value(row).map_err(|e| malformed(&self.path, &e))?;
            self.rows.push_back(row);
        }
        Ok(())
    }
}
