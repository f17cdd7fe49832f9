//! Commands of several callers: in the audit, in order with the latch, and not after the end.

use super::*;
use crate::command::exit;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixListener;
use std::sync::mpsc::{Receiver, channel};

fn desk(folder: &Path) -> (SharedDesk, Receiver<Message>, KillLatch) {
    let (sender, inbox) = channel();
    let (latch, _) = KillLatch::open(folder).unwrap();
    (Desk::new(sender, latch.clone()), inbox, latch)
}

fn ask(desk: &SharedDesk, request: Request) -> bool {
    let call = Call { by: "me".into(), asked_ms: None, request };
    matches!(open(desk).take(call, HostView::default()), Reply::Accepted)
}

fn mode(mode: TradingMode) -> Request {
    Request::SetMode { what: None, mode, reason: "so".into() }
}

/// The loop ends with a stop: what is to be in the audit must lie before it.
#[test]
fn what_was_asked_is_told_before_it_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let (desk, inbox, _) = desk(folder.path());
    for request in [mode(TradingMode::ReduceOnly), Request::Stop] {
        let words = request.in_words().unwrap().0;
        assert!(ask(&desk, request));
        let told = inbox.recv().unwrap();
        assert!(
            matches!(&told, Message::Asked { command, result, .. }
                if *command == words && result == "accepted"),
            "{words}"
        );
        assert!(matches!(inbox.recv().unwrap(), Message::Command(..) | Message::Stop));
    }
}

/// A host that ends does nothing more that it is told, and says so; a kill holds all the same.
#[test]
fn a_host_that_ends_accepts_nothing_but_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let (desk, inbox, latch) = desk(folder.path());
    close(&desk);
    for refused in [TradingMode::Running, TradingMode::ReduceOnly] {
        assert!(!ask(&desk, mode(refused)));
        let told = inbox.try_recv().unwrap();
        assert!(
            matches!(told, Message::Asked { result, .. } if result.contains("is ending")),
            "the audit has it"
        );
        assert!(inbox.try_recv().is_err());
    }
    assert!(ask(&desk, mode(TradingMode::Halted)));
    assert!(latch.is_set());
}

/// A host with an account `acc`.
fn view() -> HostView {
    let account = hedgerow_model::view::AccountView {
        id: hedgerow_model::AccountId(3),
        name: "acc".into(),
        mode: TradingMode::Running,
        equity: None,
        leverage: None,
        safe_leverage: None,
        liquidation_distances: Vec::new(),
        is_told: true,
        unknown: Vec::new(),
        ignored: Vec::new(),
    };
    HostView { accounts: vec![account], ..HostView::default() }
}

/// What a host may be told in an emergency, of what, and how the audit calls it.
#[test]
fn emergencies_reach_the_loop_with_their_scope_and_a_reason() {
    type Make = fn(Option<String>, String) -> Request;
    type Done = fn(Scope) -> OperatorCommand;
    let cases: [(&str, Make, Done); 3] = [
        (
            "cancel-all",
            |what, reason| Request::CancelAll { what, reason },
            |scope| OperatorCommand::CancelAll { scope },
        ),
        (
            "flatten",
            |what, reason| Request::Flatten { what, reason },
            |scope| OperatorCommand::Flatten { scope },
        ),
        (
            "resume reduce-only",
            |what, reason| Request::ResumeReducing { what, reason },
            |scope| OperatorCommand::ResumeReducing { scope },
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    let account = Scope::Account(hedgerow_model::AccountId(3));
    let scopes = [(None, "the host", Scope::Host), (Some("acc"), "acc", account)];
    for (verb, make, done) in cases {
        for (what, called, scope) in scopes {
            let (desk, inbox, _) = desk(folder.path());
            let request = make(what.map(str::to_owned), "so".into());
            let call = Call { by: "me".into(), asked_ms: None, request };
            let reply = open(&desk).take(call, view());
            assert!(matches!(reply, Reply::Accepted), "{verb} {called}: {reply:?}");
            let words = format!("{verb} {called}");
            let told = inbox.try_recv().unwrap();
            assert!(
                matches!(&told, Message::Asked { command, reason, .. }
                    if *command == words && reason == "so"),
                "{words}"
            );
            let Message::Command(command, reason) = inbox.try_recv().unwrap() else { panic!() };
            assert_eq!((command, reason.as_str()), (done(scope), "so"));
        }
        // whom nobody knows, and what nobody gives a reason for, is refused and in the audit
        for (what, reason) in [(Some("nobody"), "so"), (None, " ")] {
            let (desk, inbox, _) = desk(folder.path());
            let request = make(what.map(str::to_owned), reason.into());
            let call = Call { by: "me".into(), asked_ms: None, request };
            let reply = open(&desk).take(call, view());
            assert!(matches!(reply, Reply::Refused { .. }), "{verb}: {reply:?}");
            assert!(matches!(inbox.try_recv().unwrap(), Message::Asked { .. }));
            assert!(inbox.try_recv().is_err());
        }
    }
}

/// What may reduce must leave: the latch of a killed host is released once the loop has done what
/// was asked, and not by anything before.
#[test]
fn to_let_the_host_reduce_releases_its_latch_when_its_mode_holds_what_opens() {
    let folder = tempfile::tempdir().unwrap();
    let (desk, inbox, latch) = desk(folder.path());
    assert!(ask(&desk, mode(TradingMode::Halted)));
    let (what, reason) = (None, "so".to_owned());
    assert!(ask(&desk, Request::Flatten { what: what.clone(), reason: reason.clone() }));
    assert!(ask(&desk, Request::CancelAll { what: what.clone(), reason: reason.clone() }));
    let one = Request::ResumeReducing { what: Some("acc".into()), reason: reason.clone() };
    let call = Call { by: "me".into(), asked_ms: None, request: one };
    assert!(matches!(open(&desk).take(call, view()), Reply::Accepted));
    assert!(latch.is_set());
    assert!(ask(&desk, Request::ResumeReducing { what, reason }));
    assert!(!release_for_reducing(&desk) && latch.is_set(), "the loop has not heard of it");
    drop(inbox.try_iter().collect::<Vec<_>>());
    assert!(release_for_reducing(&desk) && !latch.is_set());
}

/// Callers at once: the latch is as the last command that reaches the loop left it.
#[test]
fn the_latch_is_as_the_last_command_says() {
    let folder = tempfile::tempdir().unwrap();
    let (desk, inbox, latch) = desk(folder.path());
    let desk = &desk;
    for round in 0..100 {
        std::thread::scope(|scope| {
            for wanted in [TradingMode::Halted, TradingMode::Running] {
                scope.spawn(move || ask(desk, mode(wanted)));
            }
        });
        let last = inbox.try_iter().filter_map(|message| match message {
            Message::Command(OperatorCommand::SetMode { mode, .. }, _) => Some(mode),
            _ => None,
        });
        let halted = last.last() == Some(TradingMode::Halted);
        assert_eq!(latch.is_set(), halted, "round {round}");
    }
}

/// A kill whose file cannot be written holds now; whoever asked and the audit hear that a restart
/// may forget it.
#[test]
fn a_kill_that_is_not_kept_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let latch = KillLatch::of_a_file_that_cannot_be_written(folder.path()).unwrap();
    let (sender, inbox) = channel();
    let desk = Desk::new(sender, latch.clone());
    let call = Call { by: "me".into(), asked_ms: None, request: mode(TradingMode::Halted) };
    let reply = open(&desk).take(call, HostView::default());
    assert!(matches!(&reply, Reply::NotKept { why } if !why.is_empty()), "{reply:?}");
    assert!(latch.is_set());
    let told = inbox.try_recv().unwrap();
    assert!(
        matches!(&told, Message::Asked { result, .. }
            if result.starts_with("accepted, not kept over a restart: ")),
        "the audit has it"
    );
    assert!(matches!(inbox.try_recv().unwrap(), Message::Command(..)), "and it is done");
    // on the command line it has a code of its own
    let state = folder.path().to_owned();
    let listener = UnixListener::bind(socket_path(&state)).unwrap();
    let answered = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        // whoever is answered before it has asked takes the host for gone
        BufReader::new(&stream).read_line(&mut String::new()).unwrap();
        writeln!(stream, "{}", serde_json::to_string(&reply).unwrap()).unwrap();
    });
    let failure = crate::command::run::kill(&state, false, "so").unwrap_err();
    answered.join().unwrap();
    assert_eq!(failure.code, exit::NOT_KEPT);
    assert!(failure.message.contains("but not kept over a restart: "), "{}", failure.message);
}

/// A loop that hangs must not fill the memory with what it is told, and a kill must hold all the
/// same: now, by the latch, and last of all that the loop hears when it comes round.
#[test]
fn a_loop_that_does_not_come_round_is_told_so_much_and_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let (desk, inbox, latch) = desk(folder.path());
    for n in 0..WAITING_MAX {
        assert!(ask(&desk, mode(TradingMode::ReduceOnly)), "command {n}");
    }
    for refused in [mode(TradingMode::ReduceOnly), mode(TradingMode::Running), Request::Stop] {
        assert!(!ask(&desk, refused));
    }
    assert!(!latch.is_set());
    for _ in 0..2 * WAITING_MAX {
        assert!(ask(&desk, mode(TradingMode::Halted)));
        assert!(latch.is_set());
    }
    assert!(!ask(&desk, mode(TradingMode::Running)));
    assert!(latch.is_set(), "what is refused moves no latch");
    let (mut commands, mut last) = (0, None);
    while let Ok(message) = inbox.try_recv() {
        if let Message::Command(OperatorCommand::SetMode { mode, .. }, _) = message {
            (commands, last) = (commands + 1, Some(mode));
        }
    }
    assert_eq!((commands, last), (2 * WAITING_MAX, Some(TradingMode::Halted)));
    assert!(ask(&desk, mode(TradingMode::Running)), "there is room again");
    assert!(!latch.is_set());
}

/// An answer waits until the loop has done it and its journal has it, and says so where that is not
/// so.
#[test]
fn accepted_is_said_of_what_is_in_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    for (kept, said) in [(Some(true), ""), (Some(false), "journal"), (None, "come round")] {
        let (desk, inbox, _) = desk(folder.path());
        assert!(ask(&desk, Request::Flatten { what: None, reason: "so".into() }));
        let work = std::thread::spawn(move || {
            let mut done = 0;
            for message in inbox {
                match message {
                    Message::Receipt(_) if kept.is_none() => return done,
                    Message::Receipt(receipt) => receipt.send(kept.unwrap()).unwrap(),
                    _ => done += 1,
                }
            }
            done
        });
        match kept::wait(&desk) {
            Reply::Accepted => assert_eq!(kept, Some(true)),
            Reply::NotKept { why } => assert!(!said.is_empty() && why.contains(said), "{why}"),
            other => panic!("{other:?}"),
        }
        drop(desk);
        // the audit and the command lie before the receipt
        assert_eq!(work.join().unwrap(), 2);
    }
}

/// A frozen host finds what was asked meanwhile at once, in any order.
#[test]
fn what_was_asked_long_ago_and_a_release_from_before_a_kill_are_not_done() {
    let folder = tempfile::tempdir().unwrap();
    let (desk, inbox, latch) = desk(folder.path());
    let since = |age_ms: u64| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        Some(u64::try_from(now.as_millis()).unwrap() - age_ms)
    };
    let take = |asked_ms, request| {
        let call = Call { by: "me".into(), asked_ms, request };
        let reply = open(&desk).take(call, HostView::default());
        let told = inbox.try_iter().map(|message| matches!(message, Message::Command(..)));
        (matches!(reply, Reply::Accepted), told.filter(|command| *command).count())
    };
    let pause = || mode(TradingMode::ReduceOnly);
    assert_eq!(take(since(3_500), pause()), (false, 0), "its caller has given up");
    assert_eq!(take(since(1_000), pause()), (true, 1));
    assert_eq!(take(since(60_000), mode(TradingMode::Halted)), (true, 1), "a kill is never late");
    // set by its file, as the command does for a host that does not answer
    latch.release().unwrap();
    crate::latch::set_at(folder.path(), "danger").unwrap();
    for request in
        [mode(TradingMode::Running), Request::ResumeReducing { what: None, reason: "so".into() }]
    {
        assert_eq!(take(since(1_000), request), (false, 0));
    }
    assert!(latch.was_set_after(SystemTime::now() - Duration::from_secs(1)));
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(take(since(0), mode(TradingMode::Running)), (true, 1), "asked since");
}
