//! Waiting for something to happen, with a deadline that fails the test.

use std::time::{Duration, Instant};

/// Longer than anything local takes, even on a loaded machine.
pub const SOON: Duration = Duration::from_secs(10);
/// For what takes its time by itself, such as a ring time-out.
pub const LONG: Duration = Duration::from_secs(60);
/// How often a condition that nobody announces is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// The future's output, or a failed test that says what did not come.
pub async fn within<T>(time: Duration, what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(time, future).await {
        Ok(output) => output,
        Err(_) => panic!("no {what} after {time:?}"),
    }
}

/// Waits for a condition that nobody announces (a file, a bound port).
pub async fn until<T>(time: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + time;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "no {what} after {time:?}");
        tokio::time::sleep(LOOK).await;
    }
}
