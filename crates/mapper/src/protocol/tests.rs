use proptest::prelude::*;

use super::*;

fn texts() -> impl Strategy<Value = Vec<(String, String)>> {
    prop::collection::vec((".{0,20}", ".{0,60}"), 0..4)
}

fn borrowed(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
    pairs.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect()
}

proptest! {
    #[test]
    fn decoders_never_panic_and_never_accept_what_they_would_not_write(body in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(request) = Request::decode(&body) {
            let again = request.encode();
            prop_assert_eq!(Request::decode(&again), Ok(request));
        }
        if let Ok(response) = Response::decode(&body) {
            let again = response.encode();
            prop_assert_eq!(Response::decode(&again), Ok(response));
        }
    }

    #[test]
    fn requests_survive_the_pipe(name in ".{0,20}", text in prop::option::of(".{0,200}"), a in texts(), b in texts(), c in texts(), hash: [u8; 32]) {
        let inputs = Inputs { ext_vars: borrowed(&a), tla: borrowed(&b), imports: borrowed(&c) };
        let request = Request::Run { job: Job::Evaluate, hash, name: &name, text: text.as_deref(), inputs };
        let body = request.encode();
        prop_assert_eq!(Request::decode(&body), Ok(request));
    }

    #[test]
    fn a_cut_body_is_malformed_at_every_length(name in ".{0,20}", text in ".{0,40}", a in texts(), share in 0.0..1.0f64) {
        let inputs = Inputs { ext_vars: borrowed(&a), ..Inputs::default() };
        let body = Request::Run { job: Job::Check, hash: [7; 32], name: &name, text: Some(&text), inputs }.encode();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a share of a small length")]
        let cut = (body.len() as f64 * share) as usize;
        prop_assert!(Request::decode(&body[..cut]).is_err());
    }

    #[test]
    fn frames_survive_the_pipe_in_any_pieces(body in prop::collection::vec(any::<u8>(), 0..70_000), piece in 1usize..5000) {
        struct Pieces<'a>(&'a [u8], usize);
        impl Read for Pieces<'_> {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                let length = into.len().min(self.1).min(self.0.len());
                into[..length].copy_from_slice(&self.0[..length]);
                self.0 = &self.0[length..];
                Ok(length)
            }
        }
        let mut frame = Vec::new();
        write_frame(&mut frame, &body).expect("fits");
        let mut read = Vec::new();
        prop_assert!(read_frame(&mut Pieces(&frame, piece), &mut read, body.len()).is_ok());
        prop_assert_eq!(read, body);
    }
}

#[test]
fn a_frame_longer_than_the_bound_is_refused_before_anything_is_allocated() {
    let mut body = Vec::new();
    let announced = u32::MAX.to_le_bytes();
    assert!(matches!(read_frame(&mut announced.as_slice(), &mut body, 1024), Err(FrameError::TooLong)));
    assert_eq!(body.capacity(), 0);
}

#[test]
fn a_frame_that_stops_within_is_cut_and_one_that_never_starts_is_the_end() {
    let mut body = Vec::new();
    assert!(matches!(read_frame(&mut [].as_slice(), &mut body, 10), Err(FrameError::Ended)));
    assert!(matches!(read_frame(&mut [3, 0].as_slice(), &mut body, 10), Err(FrameError::Cut)));
    assert!(matches!(read_frame(&mut [3, 0, 0, 0, 1].as_slice(), &mut body, 10), Err(FrameError::Cut)));
}

#[test]
fn a_huge_count_of_pairs_costs_nothing() {
    let mut body = vec![0, 0];
    body.extend_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(Response::decode(&body), Err(Malformed("ends too early")));
}

/// Decoders over mutated real frames, for as long as `BIA_FUZZ_SECONDS` says; one second when it is silent.
#[test]
fn the_decoder_alone_survives_mutated_frames() {
    use proptest::test_runner::{Config, TestRunner};
    let seconds = std::env::var("BIA_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(seconds);
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0u8..4);
    let strategy = (".{0,20}", ".{0,80}", texts(), texts(), any::<bool>(), prop::collection::vec(change, 0..12));
    while std::time::Instant::now() < until {
        let mut runner = TestRunner::new(Config { cases: 2000, failure_persistence: None, ..Config::default() });
        let outcome = runner.run(&strategy, |(name, text, a, b, answers, changes)| {
            let inputs = Inputs { ext_vars: borrowed(&a), tla: borrowed(&b), imports: Vec::new() };
            let request = Request::Run { job: Job::Evaluate, hash: [3; 32], name: &name, text: Some(&text), inputs };
            let warnings = a.iter().map(|(name, _)| name.as_str()).collect();
            let answer = if b.is_empty() { Answer::Value(&text) } else { Answer::Ready(warnings) };
            let mut body = if answers { Response { retire: false, answer }.encode() } else { request.encode() };
            for (at, byte, kind) in changes {
                let at = at.index(body.len().max(1)).min(body.len());
                match kind {
                    0 => body.insert(at, byte),
                    1 if at < body.len() => drop(body.remove(at)),
                    2 if at < body.len() => body[at] = byte,
                    _ => body.truncate(at.max(1)),
                }
            }
            if let Ok(request) = Request::decode(&body) {
                let again = request.encode();
                prop_assert_eq!(Request::decode(&again), Ok(request));
            }
            if let Ok(response) = Response::decode(&body) {
                let again = response.encode();
                prop_assert_eq!(Response::decode(&again), Ok(response));
            }
            let mut frame = Vec::new();
            let _ = read_frame(&mut body.as_slice(), &mut frame, 4096);
            prop_assert!(frame.capacity() <= 64 * 1024);
            Ok(())
        });
        if let Err(failure) = outcome {
            panic!("{failure}");
        }
    }
}
