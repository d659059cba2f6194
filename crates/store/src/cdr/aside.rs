//! Work that takes a processor for a while, carried out where it keeps nobody
//! waiting.

use crate::error::StoreError;

/// Processors that one search may use at once.
const PROCESSORS: usize = 2;

/// Carries out a work.
pub(super) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| StoreError::Closed)
}

/// Carries out the same work on each of several, side by side; what it gives
/// is in their order.
pub(super) async fn side_by_side<T: Send + 'static, U: Send + 'static>(
    mut all: Vec<T>,
    work: impl Fn(T) -> U + Clone + Send + 'static,
) -> Result<Vec<U>, StoreError> {
    let part = all.len().div_ceil(PROCESSORS).max(1);
    let mut done = Vec::with_capacity(all.len());
    let mut parts = Vec::new();
    while !all.is_empty() {
        let rest = all.split_off(part.min(all.len()));
        let these = std::mem::replace(&mut all, rest);
        let work = work.clone();
        parts.push(tokio::task::spawn_blocking(move || {
            these.into_iter().map(work).collect::<Vec<_>>()
        }));
    }
    for part in parts {
        done.extend(part.await.map_err(|_| StoreError::Closed)?);
    }
    Ok(done)
}
