//! Connections by the hundred that never say anything.

use gss_tests::cluster::Cluster;
use tokio::net::TcpStream;

/// To each router.
const CONNECTIONS: usize = 300;

/// Open while it lives.
#[derive(Debug)]
pub(crate) struct Storm {
    _connections: Vec<TcpStream>,
}

impl Storm {
    /// Connects everybody; a router may turn some away.
    pub(crate) async fn begin(cluster: &Cluster) -> Self {
        let mut connections = Vec::new();
        for router in &cluster.endpoints().routers {
            let address = router.ws.rsplit("//").next().unwrap_or_default();
            for _ in 0..CONNECTIONS {
                connections.extend(TcpStream::connect(address).await);
            }
        }
        Self { _connections: connections }
    }
}
