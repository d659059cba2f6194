//! `system/*`: what this PBX is.

use std::time::{SystemTime, UNIX_EPOCH};

use wire::Envelope;
use wire::system::{DeviceCapacity, DeviceInfo, SystemCapacityResponse, SystemInformationResponse};

use crate::failure::Failure;
use crate::operations::{Answer, Call};

/// What stands where the vendor's PBXes have the name of a box.
const MODEL: &str = "Strowger Software";

/// Name, model, serial number, firmware, clock and uptime.
pub async fn information(call: Call) -> Answer {
    let identity = call.app.handle.identity();
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let now = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    let data = DeviceInfo {
        device_name: Some(identity.name.clone()),
        model_name: Some(MODEL.into()),
        sn: Some(identity.serial.clone()),
        hardware_version: Some(String::new()),
        firmware_version: Some(identity.firmware.into()),
        system_time: Some(identity.clock.display(now)),
        up_time: i64::try_from(identity.started.elapsed().as_secs()).ok(),
        system_date_format: Some(identity.clock.date.name().into()),
        system_time_format: Some(identity.clock.time.name().into()),
        timestamp: Some(now),
    };
    Envelope::of(&SystemInformationResponse { data: Some(data) })
        .map_err(|error| Failure::Internal(error.to_string()))
}

/// How many extensions and calls there may be, and are: what the tables and the
/// ports of this build hold.
pub async fn capacity(call: Call) -> Answer {
    let handle = &call.app.handle;
    let calls = handle.load().await?.calls;
    let count = |number: usize| i64::try_from(number).ok();
    let data = DeviceCapacity {
        extension_capacity: count(settings::MAX_EXTENSIONS),
        extension_used: count(handle.settings().snapshot().extension_count()),
        cc_capacity: count(handle.call_capacity()),
        cc_used: count(calls),
        ..DeviceCapacity::default()
    };
    Envelope::of(&SystemCapacityResponse { data: Some(data) })
        .map_err(|error| Failure::Internal(error.to_string()))
}
