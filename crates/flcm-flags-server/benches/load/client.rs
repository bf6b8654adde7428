//! A client that does nothing but ask and count.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use super::Failure;

/// How a server is asked.
pub(super) struct Load {
    pub(super) address: SocketAddr,
    pub(super) connections: usize,
    pub(super) time: Duration,
    /// Whether a request may be refused: it counts as no answer then.
    pub(super) may_refuse: bool,
}

impl Load {
    /// Answers a second. `make` gives the request of a connection and its number there.
    pub(super) async fn run(&self, make: impl Fn(usize, u64) -> Vec<u8> + Clone + 'static) -> Result<f64, Failure> {
        let (local, begun) = (LocalSet::new(), Instant::now());
        let tasks: Vec<_> = (0..self.connections)
            .map(|connection| {
                let (address, time, may_refuse, make) = (self.address, self.time, self.may_refuse, make.clone());
                local.spawn_local(async move {
                    let mut talk = Talk::open(address).await?;
                    let (mut answers, mut asked) = (0_u64, 0);
                    while begun.elapsed() < time {
                        match talk.ask(&make(connection, asked)).await {
                            Ok(status) if status < 400 => answers += 1,
                            _ if may_refuse => {
                                tokio::time::sleep(Duration::from_millis(10)).await;
                                talk = Talk::open(address).await?;
                            }
                            Ok(status) => return Err(std::io::Error::other(format!("status {status}"))),
                            Err(error) => return Err(error),
                        }
                        asked += 1;
                    }
                    Ok(answers)
                })
            })
            .collect();
        local.await;
        let mut answers = 0;
        for task in tasks {
            answers += task.await??;
        }
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = answers as f64 / begun.elapsed().as_secs_f64();
        Ok(rate)
    }
}

/// One connection.
pub(super) struct Talk {
    stream: TcpStream,
    heard: Vec<u8>,
}

impl Talk {
    pub(super) async fn open(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, heard: Vec::with_capacity(1 << 16) })
    }

    /// Asks, and reads the whole answer; its status.
    pub(super) async fn ask(&mut self, request: &[u8]) -> std::io::Result<u16> {
        self.stream.write_all(request).await?;
        self.heard.clear();
        let head = loop {
            if let Some(end) = self.heard.windows(4).position(|part| part == b"\r\n\r\n") {
                break end + 4;
            }
            self.hear().await?;
        };
        let text = String::from_utf8_lossy(&self.heard[..head]).to_ascii_lowercase();
        let status = text.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0);
        let length = text.split("content-length: ").nth(1).and_then(|rest| rest.split('\r').next()?.parse().ok());
        let end = head + if status == 304 || status == 204 { 0 } else { length.unwrap_or(0) };
        while self.heard.len() < end {
            self.hear().await?;
        }
        Ok(status)
    }

    /// The last answer.
    pub(super) fn answer(&self) -> String {
        String::from_utf8_lossy(&self.heard).into_owned()
    }

    async fn hear(&mut self) -> std::io::Result<()> {
        if self.stream.read_buf(&mut self.heard).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}

/// A request with a body.
pub(super) fn post(path: &str, media_type: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {media_type}\r\ncontent-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}
