//! Work that takes long, done beside the tasks that must not wait for it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::runtime::{Handle, RuntimeFlavor};

/// The work panicked; the panic was reported where it happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the work panicked")]
pub struct Panicked;

/// Does `work`: where it is `large`, on the threads for blocking work, else at once.
///
/// A runtime of one thread does all of it at once. Such runtimes have virtual time (the
/// simulation, tests), and what another thread has done when would not be the seed's to say.
///
/// # Errors
/// [`Panicked`], also where the runtime ends before the work is done.
pub async fn beside<T: Send + 'static>(
    large: bool,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Panicked> {
    let guarded = move || catch_unwind(AssertUnwindSafe(work)).map_err(|_| Panicked);
    if large && Handle::current().runtime_flavor() != RuntimeFlavor::CurrentThread {
        return tokio::task::spawn_blocking(guarded).await.unwrap_or(Err(Panicked));
    }
    guarded()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn doing(large: bool) -> (bool, Result<(), Panicked>) {
        let here = std::thread::current().id();
        let elsewhere = beside(large, move || std::thread::current().id() != here).await;
        let panicked = beside(large, || panic!("on purpose")).await;
        (elsewhere == Ok(true), panicked)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn large_work_is_done_on_another_thread_and_may_panic() {
        assert_eq!(doing(true).await, (true, Err(Panicked)));
        assert_eq!(doing(false).await, (false, Err(Panicked)));
    }

    #[tokio::test]
    async fn one_thread_does_it_all() {
        assert_eq!(doing(true).await, (false, Err(Panicked)));
    }
}
