//! Follows the calls of a PBX until it is interrupted, and says where it could
//! not see.
//!
//! `cargo run -p strowger-client --example watch -- https://pbx.example:8088 ID SECRET [SHA256]`

use strowger_client::wire::event::CallStateChanged;
use strowger_client::{Client, Error, Update};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(id), Some(secret)) =
        (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("watch URL CLIENT_ID CLIENT_SECRET [FINGERPRINT]".into());
    };
    let mut builder = Client::builder(&url).credentials(id, secret);
    if let Some(fingerprint) = arguments.next() {
        builder = builder.fingerprint(fingerprint.parse()?);
    }
    let pbx = builder.build()?;

    let mut events = match pbx.events(&[30011]).await {
        Err(Error::Certificate(fingerprint)) => {
            return Err(format!("not trusted; if it is the PBX's, add {fingerprint}").into());
        }
        other => other?,
    };
    while let Some(update) = events.next().await {
        match update? {
            Update::Event(event) => {
                let change: CallStateChanged = event.read()?;
                println!(
                    "{} {:?}",
                    change.call_id.unwrap_or_default(),
                    change.members
                );
            }
            Update::Lost(why) => eprintln!("connection lost ({why}); trying again"),
            Update::Resumed { after } => eprintln!("there again after {after:?}"),
            // What a later version tells beside.
            _ => {}
        }
    }
    Ok(())
}
