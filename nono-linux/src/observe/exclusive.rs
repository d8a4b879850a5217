//! Something that one thread uses at a time, and that others do without if it takes long.
//!
//! Who looks at a file may be held up by its file system. The calls of other programs must not wait for that.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long the others wait, once: as long as it is not given back after that, they do not wait again.
const PATIENCE: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct Exclusive<T> {
    free: Mutex<Free<T>>,
    given_back: Condvar,
    late: AtomicBool,
}

#[derive(Debug)]
struct Free<T> {
    value: Option<T>,
    /// How many wait for it: to tell nobody is a system call too.
    waiting: usize,
}

/// It, as long as this lives.
#[derive(Debug)]
pub(super) struct Taken<'e, T> {
    from: &'e Exclusive<T>,
    /// None when it is given back alone.
    value: Option<T>,
}

impl<T> Exclusive<T> {
    pub(super) fn new(value: T) -> Exclusive<T> {
        let free = Free { value: Some(value), waiting: 0 };
        Exclusive { free: Mutex::new(free), given_back: Condvar::new(), late: AtomicBool::new(false) }
    }

    /// Calls `act` with it; none if somebody else has it for too long. It is given back if `act` panics too.
    pub(super) fn with<R>(&self, act: impl FnOnce(&mut T) -> R) -> Option<R> {
        let mut free = self.free();
        if free.value.is_none() {
            let late = self.late.load(Ordering::Relaxed);
            let patience = if late { Duration::ZERO } else { PATIENCE };
            free.waiting += 1;
            let waited = self.given_back.wait_timeout_while(free, patience, |free| free.value.is_none());
            free = waited.unwrap_or_else(PoisonError::into_inner).0;
            free.waiting -= 1;
        }
        let Some(value) = free.value.take() else {
            self.late.store(true, Ordering::Relaxed);
            return None;
        };
        drop(free);
        let mut taken = Taken { from: self, value: Some(value) };
        taken.value.as_mut().map(act)
    }

    fn free(&self) -> MutexGuard<'_, Free<T>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Drop for Taken<'_, T> {
    fn drop(&mut self) {
        let mut free = self.from.free();
        free.value = self.value.take();
        self.from.late.store(false, Ordering::Relaxed);
        if free.waiting > 0 {
            self.from.given_back.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn others_go_on_without_and_have_it_again_later() {
        let shared = &Exclusive::new(1);
        let (begun, has_begun) = channel();
        let (end, ends) = channel::<()>();
        std::thread::scope(|scope| {
            let holder = scope.spawn(move || {
                shared.with(|value| {
                    begun.send(()).unwrap();
                    ends.recv().unwrap();
                    *value = 2;
                })
            });
            has_begun.recv().unwrap();
            assert_eq!(shared.with(|value| *value), None);
            assert_eq!(shared.with(|value| *value), None, "it is not waited for again");
            end.send(()).unwrap();
            assert_eq!(holder.join().unwrap(), Some(()));
        });
        assert_eq!(shared.with(|value| *value), Some(2));
    }

    #[test]
    fn a_panic_gives_it_back() {
        let shared = Exclusive::new(1);
        let panicked =
            std::thread::scope(|scope| scope.spawn(|| shared.with(|_| panic!("on purpose"))).join().is_err());
        assert!(panicked);
        assert_eq!(shared.with(|value| *value), Some(1));
    }
}
