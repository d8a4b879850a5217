//! Putting questions, one after the other: whoever answers reads one at a time. What is approved is opened elsewhere: a file
//! system that hangs must hold up no question.

use super::broker::Pending;
use super::judge::{Bench, Ruling};
use super::serve::QUESTIONS;
use nono_core::{Approval, Approver, Patience};
use std::collections::VecDeque;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

/// Puts questions to `approver`, each for at most `patience`, until nobody can send one any more. What is ruled goes to
/// `answer`.
pub(super) fn ask<'l, 'a>(
    bench: &Bench<'_>,
    questions: &Receiver<Pending<'l>>,
    approver: &'a dyn Approver,
    patience: Duration,
    answer: impl Fn(Pending<'l>, Ruling<'a>),
) {
    let mut waiting: VecDeque<Pending<'l>> = VecDeque::new();
    loop {
        let Some(mut pending) = waiting.pop_front().or_else(|| questions.recv().ok()) else { return };
        if !pending.is_alive() {
            continue;
        }
        // What was answered meanwhile may answer this too.
        if let Some(ruling) = bench.at_once(&pending.subject, &pending.question) {
            answer(pending, ruling);
            continue;
        }
        pending.introduce();
        let ruling = put(&pending, approver, patience);
        if !pending.is_alive() {
            // Nobody was answered: it is asked anew when somebody else wants to know.
            continue;
        }
        bench.keep(&pending.subject, &pending.question, ruling.approval);
        waiting.extend(questions.try_iter().take(QUESTIONS.saturating_sub(waiting.len())));
        answer_all_alike(pending, &mut waiting, |one| answer(one, ruling));
    }
}

fn put<'a>(pending: &Pending<'_>, approver: &'a dyn Approver, patience: Duration) -> Ruling<'a> {
    let is_wanted = || pending.is_alive();
    let patience = Patience::new(Instant::now() + patience, &is_wanted);
    let approval = approver.ask(&pending.question, &patience);
    if patience.is_over() {
        return Ruling { approval: Approval::Deny, by: "nobody in time" };
    }
    Ruling { approval, by: approver.name() }
}

/// Gives one answer to a question and to those that were put meanwhile and are the same.
fn answer_all_alike<'l>(pending: Pending<'l>, waiting: &mut VecDeque<Pending<'l>>, answer: impl Fn(Pending<'l>)) {
    let (subject, flags) = (pending.subject.clone(), pending.question.flags);
    answer(pending);
    for _ in 0..waiting.len() {
        match waiting.pop_front() {
            Some(one) if one.subject == subject && one.question.flags == flags => answer(one),
            other => waiting.extend(other),
        }
    }
}
