//! The end of a server.

use crate::client::{read, send};
use crate::world::World;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

#[tokio::test]
async fn what_runs_is_finished_and_nothing_new_begins() {
    let mut world = World::start().await;
    let body = r#"{"traits":{"email":"late@x.example"}}"#;
    let mut stream = TcpStream::connect(world.admin).await.unwrap();
    let head = format!("POST /admin/identities HTTP/1.1\r\nhost: h\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await.unwrap();
    // The request is under way once another one on a later connection was answered.
    assert_eq!(
        send(world.admin, "GET /health/alive HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await.status,
        200
    );
    world.stop.take().unwrap().send(()).unwrap();
    while TcpStream::connect(world.admin).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!world.served.is_finished());
    stream.write_all(body.as_bytes()).await.unwrap();
    assert_eq!(read(&mut stream).await.status, 201);
    world.served.await.unwrap();
}
