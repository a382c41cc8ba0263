//! Questions that go over all merchants: lights as of an instant, lists, counts, the board.
//!
//! They are worked on by threads of their own, fewer than there are processors and behind everything else the service does, so that
//! nobody's command and nobody's short question waits for them. So many wait for a thread, one key's no more than half; each has
//! one time limit, waiting included. What does not fit is told at once ([`Code::Busy`]), what takes too long when its time is
//! over ([`Code::OutOfTime`]).
//!
//! Keys take turns: of one key's questions one (on many processors: half as many as there are threads) stands in the common
//! line, the others behind it.
//!
//! A question under way holds a picture and nothing else. When its client goes away, its place in the line is free at once, and
//! its work ends at its next look at the limit.

use super::problem::{Code, Problem};
use crate::views::Limit;
use crossbeam_channel::Sender;
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use uuid::Uuid;

/// Work for one of the threads.
type Job = Box<dyn FnOnce() + Send>;

/// The threads, and who waits for them.
pub struct Questions {
    patience: Duration,
    at_once: usize,
    most: usize,
    /// One for each question, waiting or worked on.
    places: Arc<Semaphore>,
    /// One for each thread.
    turns: Arc<Semaphore>,
    lines: Mutex<HashMap<Uuid, Weak<Line>>>,
    work: Sender<Job>,
}

/// The questions of one key.
struct Line {
    places: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

impl fmt::Debug for Questions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Questions").field("at_once", &self.at_once).field("most", &self.most).finish_non_exhaustive()
    }
}

impl Questions {
    /// Starts the threads: `at_once`, or one less than there are processors. They end with this value.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn start(at_once: Option<usize>, waiting: usize, patience: Duration) -> io::Result<Arc<Self>> {
        let processors = || thread::available_parallelism().map_or(1, usize::from);
        let at_once = at_once.unwrap_or_else(|| processors() - 1).max(1);
        let most = at_once + waiting;
        let (work, jobs) = crossbeam_channel::unbounded::<Job>();
        for number in 0..at_once {
            let jobs = jobs.clone();
            thread::Builder::new().name(format!("question-{number}")).spawn(move || {
                step_back();
                for job in jobs {
                    // A question that panics has no answer; the next one has.
                    let _ = catch_unwind(AssertUnwindSafe(job));
                }
            })?;
        }
        let (places, turns) = (Arc::new(Semaphore::new(most)), Arc::new(Semaphore::new(at_once)));
        Ok(Arc::new(Self { patience, at_once, most, places, turns, lines: Mutex::default(), work }))
    }

    /// Works on a question of a key, on one of the threads when it is its turn. The work looks at the limit now and then and
    /// may end early when it is over; what it returned then is not shown.
    ///
    /// # Errors
    /// What the work returns; [`Code::Busy`] when no place is free, [`Code::OutOfTime`] when it takes too long.
    pub async fn ask<T, F>(&self, key: Uuid, work: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Limit) -> Result<T, Problem> + Send + 'static,
    {
        let line = self.line(key);
        let place = (self.place(&line.places)?, self.place(&self.places)?);
        let limit = Arc::new(Limit::new(self.patience));
        // Dropped when there is an answer, when time is over, and when the client went away.
        let _asker = Asker(limit.clone());
        let answered = async {
            let closed = |_| Problem::from(Code::Unavailable);
            let own_turn = line.turns.clone().acquire_owned().await.map_err(closed)?;
            let turn = self.turns.clone().acquire_owned().await.map_err(closed)?;
            let (tell, told) = oneshot::channel();
            let job = move || {
                let answer = if limit.is_over() { None } else { Some(work(&limit)) };
                let answer = answer.filter(|_| !limit.is_over());
                // Free before it is told: whoever hears the answer may ask again at once.
                drop((place, own_turn, turn, line));
                let _ = tell.send(answer);
            };
            self.work.send(Box::new(job)).map_err(|_| Problem::from(Code::Unavailable))?;
            told.await.map_err(|_| Problem::from(Code::Internal))
        };
        match tokio::time::timeout(self.patience, answered).await {
            Ok(Ok(Some(answer))) => answer,
            Ok(Err(problem)) => Err(problem),
            Ok(Ok(None)) | Err(_) => {
                let seconds = self.patience.as_secs();
                Err(Problem::new(
                    Code::OutOfTime,
                    format_args!("连同等待，在 `http.question_limit_seconds` 所定的 {seconds} 秒内没有得出答案"),
                    format_args!(
                        "no answer within the {seconds} seconds of `http.question_limit_seconds`, waiting included"
                    ),
                ))
            }
        }
    }

    /// Returns how many questions wait or are worked on.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.most - self.places.available_permits()
    }

    fn place(&self, places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Problem> {
        places.clone().try_acquire_owned().map_err(|_| {
            let (at_once, waiting) = (self.at_once, self.most - self.at_once);
            Problem::new(
                Code::Busy,
                format_args!(
                    "同时处理 {at_once} 个全量查询、另有 {waiting} 个可等待，每个密钥最多占一半\
                     （`http.questions_at_once`、`http.questions_waiting`）"
                ),
                format_args!(
                    "{at_once} questions over all merchants are worked on at a time and {waiting} wait, half of them with one \
                     key (`http.questions_at_once`, `http.questions_waiting`)"
                ),
            )
        })
    }

    /// Returns the line of a key, a new one if none of its questions is here.
    fn line(&self, key: Uuid) -> Arc<Line> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = lines.get(&key).and_then(Weak::upgrade) {
            return line;
        }
        lines.retain(|_, line| line.strong_count() > 0);
        let half = |all: usize| Arc::new(Semaphore::new(all.div_ceil(2)));
        let line = Arc::new(Line { places: half(self.most), turns: half(self.at_once) });
        lines.insert(key, Arc::downgrade(&line));
        line
    }
}

/// Somebody who waits for an answer; when dropped, nobody does.
struct Asker(Arc<Limit>);

impl Drop for Asker {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Lets every other thread go first. On Linux this holds for the calling thread alone; elsewhere it would hold for the service.
fn step_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(19) {
        tracing::warn!(%error, "Questions over all merchants cannot be put behind other work");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    const LONG: Duration = Duration::from_secs(60);
    const MINE: Uuid = Uuid::from_u128(1);
    const THEIRS: Uuid = Uuid::from_u128(2);

    fn asking<T>(work: impl Future<Output = T>) -> T {
        actix_web::rt::System::new().block_on(work)
    }

    /// Lets the runtime go on with everything that is ready.
    async fn everybody_once() {
        for _ in 0..16 {
            tokio::task::yield_now().await;
        }
    }

    #[test]
    fn a_key_has_half_of_the_places_and_all_of_them_come_back() {
        asking(async {
            let questions = Questions::start(Some(1), 3, LONG).unwrap();
            let (open, gate) = crossbeam_channel::bounded::<()>(0);
            let ask = |key| {
                let (questions, gate) = (questions.clone(), gate.clone());
                actix_web::rt::spawn(async move { questions.ask(key, move |_| Ok(gate.recv().is_err())).await })
            };
            let mut asked = vec![ask(MINE), ask(MINE)];
            everybody_once().await;
            assert_eq!(ask(MINE).await.unwrap().unwrap_err().code, Code::Busy);
            asked.extend([ask(THEIRS), ask(THEIRS)]);
            everybody_once().await;
            assert_eq!(ask(Uuid::from_u128(3)).await.unwrap().unwrap_err().code, Code::Busy);
            drop(open);
            for answer in asked {
                assert_eq!(answer.await.unwrap(), Ok(true));
            }
            assert_eq!(ask(MINE).await.unwrap(), Ok(true));
        });
    }

    #[test]
    fn keys_take_turns() {
        asking(async {
            let questions = Questions::start(Some(1), 15, LONG).unwrap();
            let (open, gate) = crossbeam_channel::bounded::<()>(0);
            let (tell, order) = mpsc::channel();
            let ask = |key, name: &'static str| {
                let (questions, gate, tell) = (questions.clone(), gate.clone(), tell.clone());
                actix_web::rt::spawn(async move {
                    let work = move |_: &Limit| Ok(gate.recv().is_err() && tell.send(name).is_ok());
                    questions.ask(key, work).await
                })
            };
            let mut asked = Vec::new();
            for (key, name) in [(MINE, "first"), (MINE, "second"), (MINE, "third"), (THEIRS, "other")] {
                asked.push(ask(key, name));
                everybody_once().await;
            }
            drop(open);
            for answer in asked {
                answer.await.unwrap().unwrap();
            }
            assert_eq!(order.try_iter().collect::<Vec<_>>(), ["first", "other", "second", "third"]);
        });
    }

    #[test]
    fn work_ends_when_its_client_goes_away_or_its_time_is_over_and_a_panic_costs_one_answer() {
        asking(async {
            let questions = Questions::start(Some(1), 3, LONG).unwrap();
            let (begun, begins) = mpsc::channel();
            let asked = questions.clone();
            let client = actix_web::rt::spawn(async move {
                let until_over = move |limit: &Limit| {
                    begun.send(()).unwrap();
                    while !limit.is_over() {
                        thread::yield_now();
                    }
                    Ok(())
                };
                asked.ask(MINE, until_over).await
            });
            everybody_once().await;
            begins.recv().unwrap();
            client.abort();
            assert_eq!(questions.ask(MINE, |_| Ok(7)).await, Ok(7), "the one thread is free again");
            let broken = questions.ask(MINE, |_| -> Result<(), Problem> { panic!("a fault of ours") }).await;
            assert_eq!(broken.unwrap_err().code, Code::Internal);
            assert_eq!(questions.ask(MINE, |_| Ok(7)).await, Ok(7));

            let hasty = Questions::start(Some(1), 3, Duration::from_millis(1)).unwrap();
            let endless = |limit: &Limit| {
                while !limit.is_over() {
                    thread::yield_now();
                }
                Ok("cut short")
            };
            assert_eq!(hasty.ask(MINE, endless).await.unwrap_err().code, Code::OutOfTime);
        });
    }

    #[test]
    fn an_answer_that_came_after_the_limit_is_not_shown() {
        asking(async {
            let questions = Questions::start(Some(1), 1, Duration::from_millis(20)).unwrap();
            let asked = questions.clone();
            let late = actix_web::rt::spawn(async move {
                let cut_short = |limit: &Limit| {
                    while !limit.is_over() {
                        thread::yield_now();
                    }
                    Ok("cut short")
                };
                asked.ask(MINE, cut_short).await
            });
            everybody_once().await;
            // Nobody looks at the clock before the answer is there: this thread does, and it is busy.
            while questions.under_way() > 0 {
                thread::yield_now();
            }
            (0..1_000).for_each(|_| thread::yield_now());
            assert_eq!(late.await.unwrap().unwrap_err().code, Code::OutOfTime);
        });
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_threads_stand_behind_and_nobody_else_does() {
        asking(async {
            let questions = Questions::start(Some(1), 1, LONG).unwrap();
            let priority = || rustix::process::getpriority_process(None).unwrap();
            let before = priority();
            assert_eq!(questions.ask(MINE, move |_| Ok(priority())).await, Ok(19));
            assert_eq!(priority(), before);
        });
    }
}
