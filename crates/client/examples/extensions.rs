//! Lists the extensions of a PBX, page by page, and gives the token back.
//!
//! `cargo run -p strowger-client --example extensions -- http://127.0.0.1:8080 ID SECRET`

use strowger_client::Client;
use strowger_client::wire::extension::ExtensionListRequest;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(id), Some(secret)) =
        (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("extensions URL CLIENT_ID CLIENT_SECRET".into());
    };
    let pbx = Client::builder(&url).credentials(id, secret).build()?;
    let mut rows = pbx.extension().list_all(&ExtensionListRequest::default());
    while let Some(row) = rows.next().await {
        let row = row?;
        println!(
            "{}\t{}",
            row.number.unwrap_or_default(),
            row.caller_id_name.unwrap_or_default()
        );
    }
    pbx.close().await?;
    Ok(())
}
