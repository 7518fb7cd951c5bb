//! Sockets that behave badly: silent, cut, stalled, refusing.

use std::{
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
};

use crate::{TestkitError, launch::free_port};

/// A listener on 127.0.0.1 that mistreats its clients; dropping it closes everything.
#[derive(Debug)]
pub struct Hostile {
    port: u16,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    closing: AtomicBool,
    accepted: AtomicUsize,
    open: Mutex<Vec<TcpStream>>,
}

/// What happens to an accepted connection.
#[derive(Debug, Clone)]
enum Behaviour {
    Silent,
    Says(Vec<u8>),
    Passes { server: SocketAddr, bytes: usize, then: Then },
}

#[derive(Debug, Clone, Copy)]
enum Then {
    Cut,
    Stall,
}

impl Hostile {
    /// Accepts, reads, never writes.
    pub fn never_answers() -> Result<Self, TestkitError> {
        Self::listen(Behaviour::Silent)
    }

    /// Answers every connection with these bytes, unasked, then closes it.
    pub fn says(bytes: &[u8]) -> Result<Self, TestkitError> {
        Self::listen(Behaviour::Says(bytes.to_vec()))
    }

    /// Passes everything to and from `127.0.0.1:server_port`, and cuts each connection after `bytes` bytes of
    /// the server's replies.
    pub fn cuts_after(server_port: u16, bytes: usize) -> Result<Self, TestkitError> {
        Self::passes(server_port, bytes, Then::Cut)
    }

    /// Like [`Self::cuts_after`], but keeps the connection open and silent instead of cutting it.
    pub fn stalls_after(server_port: u16, bytes: usize) -> Result<Self, TestkitError> {
        Self::passes(server_port, bytes, Then::Stall)
    }

    /// A port nobody listens on: connections are refused.
    pub fn refuses() -> Result<Self, TestkitError> {
        Ok(Self { port: free_port()?, shared: Arc::default(), acceptor: None })
    }

    /// The TCP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A PostgreSQL URL to this socket.
    pub fn postgres_url(&self) -> String {
        format!("postgresql://postgres:postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// A Redis URL to this socket.
    pub fn redis_url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// How many connections were accepted so far.
    pub fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    fn passes(server_port: u16, bytes: usize, then: Then) -> Result<Self, TestkitError> {
        let server = SocketAddr::from((Ipv4Addr::LOCALHOST, server_port));
        Self::listen(Behaviour::Passes { server, bytes, then })
    }

    fn listen(behaviour: Behaviour) -> Result<Self, TestkitError> {
        let failed = || TestkitError::io("listen on loopback");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed())?;
        let port = listener.local_addr().map_err(failed())?.port();
        let shared = Arc::new(Shared::default());
        let for_thread = Arc::clone(&shared);
        let acceptor = thread::spawn(move || accept_all(&listener, &for_thread, &behaviour));
        Ok(Self { port, shared, acceptor: Some(acceptor) })
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        let Some(acceptor) = self.acceptor.take() else { return };
        self.shared.closing.store(true, Ordering::SeqCst);
        // Wakes the acceptor; it may already be gone, which is as good.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        self.shared.close_all();
        let _ = acceptor.join();
    }
}

impl Shared {
    /// Remembers a stream, so that it can be closed from outside.
    fn remember(&self, stream: &TcpStream) -> io::Result<()> {
        let copy = stream.try_clone()?;
        self.open.lock().unwrap_or_else(PoisonError::into_inner).push(copy);
        Ok(())
    }

    fn close_all(&self) {
        for stream in self.open.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // A stream the other side has closed cannot be closed again.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn accept_all(listener: &TcpListener, shared: &Arc<Shared>, behaviour: &Behaviour) {
    let mut connections = Vec::new();
    while let Ok((stream, _)) = listener.accept() {
        if shared.closing.load(Ordering::SeqCst) {
            break;
        }
        shared.accepted.fetch_add(1, Ordering::SeqCst);
        let (shared, behaviour) = (Arc::clone(shared), behaviour.clone());
        connections.push(thread::spawn(move || {
            // A connection's error is the end of that connection, which is what these are for.
            let _ = mistreat(stream, &shared, &behaviour);
        }));
    }
    shared.close_all();
    for connection in connections {
        let _ = connection.join();
    }
}

fn mistreat(mut client: TcpStream, shared: &Shared, behaviour: &Behaviour) -> io::Result<()> {
    shared.remember(&client)?;
    match behaviour {
        Behaviour::Silent => io::copy(&mut client, &mut io::sink()).map(|_| ()),
        Behaviour::Says(bytes) => {
            client.write_all(bytes)?;
            client.shutdown(Shutdown::Write)?;
            io::copy(&mut client, &mut io::sink()).map(|_| ())
        }
        Behaviour::Passes { server, bytes, then } => {
            let server = TcpStream::connect(server)?;
            shared.remember(&server)?;
            pass(&client, &server, *bytes, *then)
        }
    }
}

fn pass(client: &TcpStream, server: &TcpStream, bytes: usize, then: Then) -> io::Result<()> {
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    let forward = thread::spawn(move || {
        // Ends with the client's last byte or with the shutdown below.
        let _ = io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    });
    let limit = u64::try_from(bytes).unwrap_or(u64::MAX);
    let mut limited = server.take(limit);
    let passed = io::copy(&mut limited, &mut &*client)?;
    if passed < limit || matches!(then, Then::Cut) {
        client.shutdown(Shutdown::Both)?;
    }
    // A stalled connection lives until the client leaves or the whole listener is dropped.
    let _ = forward.join();
    Ok(())
}
