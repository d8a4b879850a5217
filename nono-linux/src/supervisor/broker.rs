//! Opening on a target's behalf: pin, judge, look again, open, hand over.
//!
//! The races: the target's threads change the path, its links, its directories and its working directory at any time. So the
//! object is pinned once by `O_PATH`, the pin is judged by the path that the kernel has for it, and what is opened and handed
//! over is the pin. A yes that took time holds for the object that has the judged name when it is given.
//!
//! What cannot be found out is left to the kernel, which makes the call itself under Landlock: no way to go on is a way past
//! it. Nothing is ever opened by path after it was judged.

use super::call::Open;
use super::confined::Confined;
use super::judge::{Bench, Ruling};
use super::look::{Act, Look, look, path};
use super::memory::Subject;
use super::object::{Descriptors, Object};
use super::socket::{self, SocketCall};
use super::view::{Own, View};
use crate::observe::{Handed, Observer, Sighting};
use nono_core::{Approval, CapabilitySet, Decision, Question, Rule, decide};
use nono_seccomp::{Errno as Answer, InjectFlags, ListenError, Notification};
use rustix::fs::{Mode, OFlags, fstat, ftruncate};
use rustix::io::Errno;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

/// What of a target's flags counts for an object that is there.
const KEPT: OFlags = OFlags::ACCMODE
    .union(OFlags::APPEND)
    .union(OFlags::DIRECTORY)
    .union(OFlags::SYNC)
    .union(OFlags::DSYNC)
    .union(OFlags::DIRECT)
    .union(OFlags::NOATIME)
    .union(OFlags::LARGEFILE)
    .union(OFlags::NONBLOCK);

/// A call that was looked into, and waits for its answer.
#[derive(Debug)]
pub(super) struct Pending<'l> {
    notification: Notification<'l>,
    open: Open,
    view: View,
    object: Object,
    act: Act,
    pub(super) subject: Subject,
    pub(super) question: Question,
    since: Instant,
    /// Where it is counted as refused.
    sighting: Option<Sighting>,
}

/// All that opening needs.
#[derive(Debug)]
pub(super) struct Broker<'a> {
    own: &'a Own,
    descriptors: Descriptors,
    grants: &'a CapabilitySet,
    confined: Confined,
    pub(super) bench: Bench<'a>,
    /// Who looks at every call, if anybody does.
    pub(super) observer: Option<&'a Observer>,
}

impl<'a> Broker<'a> {
    /// For a `command` and all that descends from it.
    pub(super) fn new(
        own: &'a Own,
        grants: &'a CapabilitySet,
        command: u32,
        bench: Bench<'a>,
    ) -> Result<Broker<'a>, Errno> {
        let descriptors = Descriptors::of_this_process()?;
        Ok(Broker { own, descriptors, grants, confined: Confined::below(command), bench, observer: None })
    }

    /// Tells `observer` what was given.
    pub(super) fn observed(self, observer: Option<&'a Observer>) -> Broker<'a> {
        Broker { observer, ..self }
    }

    /// Lets a process close itself in further, and remembers that it did.
    pub(super) fn confine(&self, notification: Notification<'_>) -> Result<(), ListenError> {
        let view = notification.thread().and_then(|thread| View::of(thread, self.own));
        let process = view.and_then(|view| view.status()).map(|(process, _)| process);
        // Not this process's number if the call is over.
        self.confined.mark(process.filter(|_| notification.is_pending().unwrap_or(false)));
        notification.resume().map(drop)
    }

    /// Connects or listens on behalf.
    pub(super) fn serve_socket(
        &self,
        notification: Notification<'_>,
        call: Result<SocketCall, Errno>,
    ) -> Result<(), ListenError> {
        socket::serve(notification, call, self.own, self.grants, &self.confined)
    }

    /// Serves a call as far as nobody has to be asked; else it is handed back.
    pub(super) fn serve<'l>(
        &self,
        (notification, sighting): Handed<'l>,
        open: Open,
    ) -> Result<Option<Pending<'l>>, ListenError> {
        let Some(pending) = self.pin((notification, sighting), open)? else { return Ok(None) };
        match self.bench.at_once(&pending.subject, &pending.question) {
            Some(ruling) => self.answer(pending, ruling).map(|()| None),
            None => Ok(Some(pending)),
        }
    }

    /// Looks into a call; none if that answered it.
    fn pin<'l>(&self, (notification, sighting): Handed<'l>, open: Open) -> Result<Option<Pending<'l>>, ListenError> {
        let thread = notification.thread();
        let Some(view) = thread.and_then(|thread| View::of(thread, self.own)) else {
            return notification.resume().map(|_| None);
        };
        if self.confined.holds(|| Some(view.status()?.0)) {
            return notification.resume().map(|_| None);
        }
        let look = look(&view, &open);
        // What was opened below /proc is the target's only if its call still waits now.
        if !notification.is_pending()? {
            return Ok(None);
        }
        let (object, act, flags) = match look {
            Look::Leave => return notification.resume().map(|_| None),
            Look::Fail(errno) => return fail(notification, errno),
            Look::At(object, act, flags) => (object, act, flags),
        };
        let Some(path) = path(&object, &act, &self.descriptors) else { return notification.resume().map(|_| None) };
        let question = Question { process: thread.unwrap_or_default(), program: None, path, flags };
        match decide(self.grants, &question.request()) {
            // Granted, but not by the text of its path: it needs no help.
            Decision::Allowed { .. } => return notification.resume().map(|_| None),
            // Nobody's to give. A file with more names than this one may have a denied one among them.
            Decision::Denied(denial) if matches!(denial.rule, Rule::Denied { .. }) || self.may_be_denied(&object) => {
                return fail(notification, Errno::ACCESS);
            }
            Decision::Denied(_) => {}
        }
        let subject = match &act {
            Act::Make(name) => Subject::New(object.identity, name.clone()),
            Act::Open | Act::MakeUnnamed => Subject::There(object.identity),
        };
        Ok(Some(Pending { notification, open, view, object, act, subject, question, since: Instant::now(), sighting }))
    }

    /// Whether it may be denied by another of its names. Which these are, the kernel does not say.
    fn may_be_denied(&self, object: &Object) -> bool {
        !self.grants.denies().is_empty() && !object.is_directory && object.has_other_names()
    }

    /// Answers a call as was ruled.
    pub(super) fn answer(&self, mut pending: Pending<'_>, ruling: Ruling<'_>) -> Result<(), ListenError> {
        if self.bench.judges.records() {
            pending.introduce();
        }
        let call = pending.open.call;
        let approval = self.bench.record(call, &pending.question, ruling, pending.since.elapsed());
        if !approval.is_yes() {
            return pending.notification.fail(Answer::EACCES).map(drop);
        }
        match self.open(&pending) {
            Ok(opened) => {
                let flags = InjectFlags::mirroring(pending.open.flags.bits().into());
                if let (Some(observer), Some(sighting)) = (self.observer, pending.sighting) {
                    // Before the program goes on: it may end at once.
                    observer.given(sighting);
                }
                pending.notification.inject(opened.as_fd(), flags).map(drop)
            }
            Err(Errno::EXIST) if !pending.open.flags.contains(OFlags::EXCL) => self.answer_again(pending),
            Err(errno) => fail::<()>(pending.notification, errno).map(drop),
        }
    }

    /// The file was made by someone else meanwhile: it is looked at anew, and if that takes a question, refused.
    fn answer_again(&self, pending: Pending<'_>) -> Result<(), ListenError> {
        let Some(pending) = self.pin((pending.notification, pending.sighting), pending.open)? else { return Ok(()) };
        match (self.bench.at_once(&pending.subject, &pending.question), &pending.act) {
            (Some(ruling), Act::Open) => self.answer(pending, ruling),
            _ => fail::<()>(pending.notification, Errno::ACCESS).map(drop),
        }
    }

    /// Answers a call that somebody was asked about, if its object still has the name that was judged.
    pub(super) fn answer_late(&self, pending: Pending<'_>, ruling: Ruling<'_>) -> Result<(), ListenError> {
        let still = path(&pending.object, &pending.act, &self.descriptors);
        let moved = still.as_ref() != Some(&pending.question.path);
        let ruling = if moved { Ruling { approval: Approval::Deny, by: "moved meanwhile" } } else { ruling };
        self.answer(pending, ruling)
    }

    /// Opens or makes what was judged.
    fn open(&self, pending: &Pending<'_>) -> Result<OwnedFd, Errno> {
        let (object, flags) = (&pending.object, pending.open.flags);
        let mode = || {
            // Without a umask a new file would be open to more than the target's own would.
            let (_, umask) = pending.view.status().ok_or(Errno::ACCESS)?;
            Ok::<_, Errno>(Mode::from_raw_mode(pending.open.mode).difference(umask))
        };
        match &pending.act {
            Act::Open => {
                let opened = pinned(pending)?.open(&self.descriptors, flags & KEPT)?;
                if flags.contains(OFlags::TRUNC) {
                    ftruncate(&opened, 0)?;
                }
                Ok(opened)
            }
            Act::Make(name) => {
                let created = object.make(name, flags & KEPT, mode()?)?;
                if let Ok(found) = fstat(&created) {
                    let identity = nono_core::Identity { device: found.st_dev, inode: found.st_ino };
                    self.bench.made(&pending.subject, identity);
                }
                Ok(created)
            }
            Act::MakeUnnamed => object.make_unnamed(flags & (KEPT | OFlags::EXCL), mode()?),
        }
    }
}

impl Pending<'_> {
    /// Finds out who asks.
    pub(super) fn introduce(&mut self) {
        if let Some((process, _)) = self.view.status() {
            self.question.process = process;
        }
        self.question.program = self.view.program();
    }

    /// Whether it still waits.
    pub(super) fn is_alive(&self) -> bool {
        self.notification.is_pending().unwrap_or(false)
    }

    /// Refuses it for want of room.
    pub(super) fn refuse(self) {
        // Nobody is left to tell of a failure; dropped, it fails anyway.
        drop(self.notification.fail(Answer::EACCES));
    }
}

/// The object that is opened: the one that was judged.
#[cfg(not(weak_broker))]
#[expect(clippy::unnecessary_wraps, reason = "its weak twin can fail")]
fn pinned<'p>(pending: &'p Pending<'_>) -> Result<&'p Object, Errno> {
    Ok(&pending.object)
}

/// The hole that the race suite has to find: what the path names when it is opened, and not what was judged.
#[cfg(weak_broker)]
fn pinned(pending: &Pending<'_>) -> Result<Object, Errno> {
    match Object::of(pending.view.pin(&pending.open)?)? {
        super::object::Found::Object(object) => Ok(object),
        super::object::Found::Link | super::object::Found::Other => Err(Errno::LOOP),
    }
}

fn fail<T>(notification: Notification<'_>, errno: Errno) -> Result<Option<T>, ListenError> {
    notification.fail(Answer::new(errno.raw_os_error()).unwrap_or(Answer::EACCES)).map(|_| None)
}
