//! Fetches the call records as the CSV file that the PBX makes of them.
//!
//! `cargo run -p strowger-client --example records -- http://127.0.0.1:8080 ID SECRET cdr.csv`

use strowger_client::Client;
use strowger_client::wire::cdr::CdrDownloadRequest;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, id, secret, file] = arguments.as_slice() else {
        return Err("records URL CLIENT_ID CLIENT_SECRET FILE".into());
    };
    let pbx = Client::builder(url).credentials(id, secret).build()?;
    let made = pbx.cdr().download(&CdrDownloadRequest::default()).await?;
    let link = made.download_resource_url.ok_or("no link to the file")?;
    let written = pbx.download(&link).await?.save(file).await?;
    println!("{file}: {written} bytes");
    pbx.close().await?;
    Ok(())
}
