//! How long a connection is waited for: whole headers soon, the next request for a while, a slow reader not
//! forever. hyper's own header timeout can't tell an idle connection from a slow one, and closing idle ones
//! after seconds makes proxies that reuse them fail requests.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// The limits of one port.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) header: Duration,
    pub(super) idle: Duration,
    pub(super) write: Duration,
}

const HEADER: u8 = 0;
const BUSY: u8 = 1;
const IDLE: u8 = 2;

/// What the connection is waited for; shared with the service, which knows when a request begins and ends.
#[derive(Clone, Debug, Default)]
pub(super) struct Phase(Arc<AtomicU8>);

impl Phase {
    /// A request has arrived whole, apart from its body, which has a limit of its own.
    pub(super) fn busy(&self) {
        self.0.store(BUSY, Ordering::Relaxed);
    }

    /// Its answer is on the way.
    pub(super) fn idle(&self) {
        self.0.store(IDLE, Ordering::Relaxed);
    }

    /// Whether a request's headers are still to come.
    pub(super) fn is_reading(&self) -> bool {
        self.0.load(Ordering::Relaxed) == HEADER
    }

    /// Whether nothing but the next request is waited for.
    pub(super) fn is_idle(&self) -> bool {
        self.0.load(Ordering::Relaxed) == IDLE
    }
}

/// A stream that fails when it is waited for too long.
pub(super) struct Patient<S> {
    stream: S,
    limits: Limits,
    phase: Phase,
    read: Deadline,
    read_phase: u8,
    write: Deadline,
}

/// A timer that runs only while something is waited for.
struct Deadline {
    sleep: Pin<Box<Sleep>>,
    runs: bool,
}

impl Deadline {
    fn new() -> Self {
        Self { sleep: Box::pin(tokio::time::sleep(Duration::ZERO)), runs: false }
    }

    fn start(&mut self, within: Duration) {
        self.sleep.as_mut().reset(Instant::now() + within);
        self.runs = true;
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        if !self.runs {
            return Poll::Pending;
        }
        ready!(self.sleep.as_mut().poll(cx));
        Poll::Ready(io::ErrorKind::TimedOut.into())
    }
}

impl<S> Patient<S> {
    pub(super) fn new(stream: S, limits: Limits, phase: Phase) -> Self {
        let mut patient =
            Self { stream, limits, phase, read: Deadline::new(), read_phase: HEADER, write: Deadline::new() };
        patient.read.start(limits.header);
        patient
    }

    fn poll_read_deadline(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let phase = self.phase.0.load(Ordering::Relaxed);
        if phase != self.read_phase {
            self.read_phase = phase;
            match phase {
                HEADER => self.read.start(self.limits.header),
                IDLE => self.read.start(self.limits.idle),
                _ => self.read.runs = false,
            }
        }
        self.read.poll(cx)
    }

    fn finish_write<T>(&mut self, polled: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.write.runs = false;
            return polled;
        }
        if !self.write.runs {
            self.write.start(self.limits.write);
        }
        self.write.poll(cx).map(Err)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buf.filled().len();
        if Pin::new(&mut this.stream).poll_read(cx, buf)?.is_ready() {
            let _ = this.phase.0.compare_exchange(IDLE, HEADER, Ordering::Relaxed, Ordering::Relaxed);
            if buf.filled().len() > before {
                // The timer keeps running from the first byte: a byte now and then doesn't buy more time.
                if let Poll::Ready(error) = this.poll_read_deadline(cx) {
                    return Poll::Ready(Err(error));
                }
            }
            return Poll::Ready(Ok(()));
        }
        this.poll_read_deadline(cx).map(Err)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.finish_write(polled, cx)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(cx);
        self.finish_write(polled, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.finish_write(polled, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.finish_write(polled, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    const LIMITS: Limits =
        Limits { header: Duration::from_secs(5), idle: Duration::from_secs(120), write: Duration::from_secs(60) };

    async fn waited(patient: &mut Patient<tokio::io::DuplexStream>) -> (u64, io::ErrorKind) {
        let started = Instant::now();
        let mut buf = [0; 64];
        loop {
            match patient.read(&mut buf).await {
                Ok(0) => return (started.elapsed().as_secs(), io::ErrorKind::UnexpectedEof),
                Ok(_) => {}
                Err(error) => return (started.elapsed().as_secs(), error.kind()),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn headers_that_drip_in_are_not_waited_for() {
        let (mut client, server) = tokio::io::duplex(64);
        let mut patient = Patient::new(server, LIMITS, Phase::default());
        let drip = tokio::spawn(async move {
            while client.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        assert_eq!(waited(&mut patient).await, (5, io::ErrorKind::TimedOut));
        drop(patient);
        drip.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_is_kept_for_its_own_time_and_a_busy_one_without_limit() {
        let (_client, server) = tokio::io::duplex(64);
        let phase = Phase::default();
        let mut patient = Patient::new(server, LIMITS, phase.clone());
        phase.idle();
        assert_eq!(waited(&mut patient).await, (120, io::ErrorKind::TimedOut));
        phase.busy();
        assert!(tokio::time::timeout(Duration::from_secs(3600), waited(&mut patient)).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_is_given_up() {
        let (_client, server) = tokio::io::duplex(8);
        let mut patient = Patient::new(server, LIMITS, Phase::default());
        let started = Instant::now();
        let error = patient.write_all(&[0; 64]).await.unwrap_err();
        assert_eq!((started.elapsed().as_secs(), error.kind()), (60, io::ErrorKind::TimedOut));
    }
}
