//! A few threads that do jobs in the order they were given. Whoever gives them sees to it that no
//! two are for the same strategy at once, so there are never more waiting than strategies.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

type Task = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Task>,
    ended: bool,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

/// The threads. They end, after what they are at, when this is dropped.
pub(crate) struct Pool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    /// So many threads.
    pub(crate) fn start(threads: usize) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let thread = |number: usize| {
            let shared = Arc::clone(&shared);
            let body = move || work(&shared);
            std::thread::Builder::new().name(format!("strategies-{number}")).spawn(body)
        };
        let threads = (0..threads).map(thread).collect::<std::io::Result<_>>()?;
        Ok(Self { shared, threads })
    }

    pub(crate) fn give(&self, task: Task) {
        let mut queue = self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.waiting.push_back(task);
        drop(queue);
        self.shared.changed.notify_one();
    }
}

fn work(shared: &Shared) {
    let mut queue = shared.queue.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        if let Some(task) = queue.waiting.pop_front() {
            drop(queue);
            task();
            queue = shared.queue.lock().unwrap_or_else(PoisonError::into_inner);
        } else if queue.ended {
            return;
        } else {
            queue = shared.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let mut queue = self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.ended = true;
        queue.waiting.clear();
        drop(queue);
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
