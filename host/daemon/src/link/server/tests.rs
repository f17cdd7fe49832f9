//! Whom a paper venue serves, and how much of what is asked it keeps.

use super::*;

/// Frames up to the bound are taken; with one more the host is disconnected.
#[test]
fn more_requests_than_may_wait_are_not_kept() {
    let said = |n: usize| {
        let mut bytes = Vec::new();
        (0..n).for_each(|_| Frame::AskTruth.write(&mut bytes).unwrap());
        bytes
    };
    for (n, too_many) in [(2, false), (3, true), (9, true)] {
        let (queue, requests) = sync_channel(2);
        assert_eq!(read_all(&mut &said(n)[..], &queue), too_many, "{n}");
        drop(queue);
        assert_eq!(requests.iter().count(), 2, "what was taken is still obeyed");
    }
    let (queue, requests) = sync_channel(2);
    drop(requests);
    assert!(!read_all(&mut &said(1)[..], &queue), "nobody takes them: the host is gone");
}

/// A market that began half a day ago: whoever comes at once is answered at once.
#[test]
fn who_comes_while_it_catches_up_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let (state, socket) = (folder.path().join("books"), folder.path().join("venue.sock"));
    std::fs::create_dir(&state).unwrap();
    let began = wall() - 12 * 3_600 * 1_000_000_000;
    std::fs::write(state.join("market-began"), began.to_string()).unwrap();
    let config = crate::config::tests::changed(&[]);
    let limit = Some(Duration::from_secs(5));
    let (state, venues, json) = (Some(&*state), &[][..], false);
    let what = Serve { config: &config, socket: &socket, venues, state, limit, json };
    std::thread::scope(|scope| {
        let served = scope.spawn(|| serve(&what).map_err(|failure| failure.message));
        let since = Instant::now();
        let mut said = Vec::new();
        while !matches!(said.last(), Some(Frame::Hello(..))) {
            assert!(since.elapsed() < Duration::from_secs(120), "{said:?}");
            match UnixStream::connect(&socket) {
                Ok(mut stream) => said.extend(Frame::read(&mut stream).ok()),
                Err(_) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
        assert_eq!(said.first(), Some(&Frame::CatchingUp));
        assert_eq!(served.join().unwrap(), Ok(()));
    });
}
