//! Frames as the contract shows them, byte for byte, and back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use strowger_wire::call::{CallMember, ExtensionLeg, MemberStatus, OutboundLegMemberStatus};
use strowger_wire::contract::{self, EVENTS};
use strowger_wire::event::{
    self, AgentAutomaticPause, CallEndDetailsNotification, CallEndDetailsNotificationStatus,
    CallFailureReport, CallStateChanged, ExtensionInformationUpdated,
    ExtensionRegistrationStatusChanged, FrameError, Received, SystemEventNotificationInformation,
};

const SN: &str = "3633D2199973";

fn leg(number: &str, channel: &str, status: MemberStatus) -> CallMember {
    CallMember {
        extension: Some(ExtensionLeg {
            number: Some(number.into()),
            channel_id: Some(channel.into()),
            member_status: Some(status),
            call_path: Some(String::new()),
        }),
        ..CallMember::default()
    }
}

#[test]
fn a_call_state_is_told_as_json_in_a_string_and_each_member_has_one_key() {
    let told = CallStateChanged {
        call_id: Some("1651057476.362".into()),
        members: Some(vec![
            leg("1000", "PJSIP/1000-0000000a", MemberStatus::Alert),
            leg("1001", "PJSIP/1001-0000000b", MemberStatus::Ring),
        ]),
    };
    let frame = event::frame(&told, SN);
    assert_eq!(
        frame,
        r#"{"type":30011,"sn":"3633D2199973","msg":"{\"call_id\":\"1651057476.362\",\"members\":[{\"extension\":{\"number\":\"1000\",\"channel_id\":\"PJSIP/1000-0000000a\",\"member_status\":\"ALERT\",\"call_path\":\"\"}},{\"extension\":{\"number\":\"1001\",\"channel_id\":\"PJSIP/1001-0000000b\",\"member_status\":\"RING\",\"call_path\":\"\"}}]}"}"#
    );
    let received = Received::parse(&frame).unwrap();
    assert_eq!(received.sn.as_deref(), Some(SN));
    assert_eq!(received.read::<CallStateChanged>().unwrap(), told);
}

#[test]
fn a_call_record_keeps_the_contract_s_order_and_its_zeros() {
    let told = CallEndDetailsNotification {
        call_id: Some("1651057476.362".into()),
        time_start: Some("2026-11-23 22:12:00".into()),
        call_from: Some("1000".into()),
        call_to: Some("1001".into()),
        call_duration: Some(7),
        talk_duration: Some(0),
        src_trunk_name: Some(String::new()),
        status: Some(CallEndDetailsNotificationStatus::NoAnswer),
        r#type: Some(event::CallEndDetailsNotificationType::Internal),
        uid: Some("20261123221200A1B2C".into()),
        ..CallEndDetailsNotification::default()
    };
    let frame = event::frame(&told, SN);
    assert_eq!(
        frame,
        r#"{"type":30012,"sn":"3633D2199973","msg":"{\"call_id\":\"1651057476.362\",\"time_start\":\"2026-11-23 22:12:00\",\"call_from\":\"1000\",\"call_to\":\"1001\",\"call_duration\":7,\"talk_duration\":0,\"src_trunk_name\":\"\",\"status\":\"NO ANSWER\",\"type\":\"Internal\",\"uid\":\"20261123221200A1B2C\"}"}"#
    );
    let received = Received::parse(&frame).unwrap();
    assert_eq!(received.read::<CallEndDetailsNotification>().unwrap(), told);
}

#[test]
fn a_failure_without_a_leg_has_null_members() {
    let told = CallFailureReport {
        call_id: Some("1651057476.363".into()),
        reason: Some(event::Reason::NotFound404),
        members: None,
    };
    let frame = event::frame(&told, SN);
    assert_eq!(
        frame,
        r#"{"type":30015,"sn":"3633D2199973","msg":"{\"call_id\":\"1651057476.363\",\"reason\":\"404 NOT found\",\"members\":null}"}"#
    );
    let received = Received::parse(&frame).unwrap();
    assert_eq!(received.read::<CallFailureReport>().unwrap(), told);
}

#[test]
fn an_extension_s_change_is_framed_without_sn() {
    let told = ExtensionInformationUpdated {
        ext_number: Some("1000".into()),
        option: Some(event::ExtensionInformationUpdatedOption::Create),
    };
    assert_eq!(
        event::frame(&told, SN),
        r#"{"type":30022,"msg":"{\"ext_number\":\"1000\",\"option\":\"CREATE\"}"}"#
    );
}

#[test]
fn an_object_msg_is_not_put_in_a_string() {
    let told = SystemEventNotificationInformation {
        event_name: Some("web_login_fail".into()),
        ..SystemEventNotificationInformation::default()
    };
    assert_eq!(
        event::frame(&told, SN),
        r#"{"type":30034,"sn":"3633D2199973","msg":{"event_name":"web_login_fail"}}"#
    );
    assert_eq!(
        event::frame(&AgentAutomaticPause::default(), SN),
        r#"{"type":30025,"msg":{}}"#
    );
}

#[test]
fn a_reader_takes_either_encoding_and_keeps_words_it_does_not_know() {
    let frame = r#"{"type":30011,"sn":"x","msg":{"call_id":1,"new":{"deep":[1]},"members":[
        {"outbound":{"from":"1000","member_status":"TELEPORTED","trunk_name":null}}]}}"#;
    let read: CallStateChanged = Received::parse(frame).unwrap().read().unwrap();
    assert_eq!(read.call_id.as_deref(), Some("1"));
    let members = read.members.unwrap();
    let leg = members[0].outbound.as_ref().unwrap();
    let status = leg.member_status.clone().unwrap();
    assert_eq!(
        status,
        OutboundLegMemberStatus::Unknown("TELEPORTED".into())
    );
    assert_eq!(serde_json::to_value(&status).unwrap(), "TELEPORTED");
    assert_eq!(leg.trunk_name, None);
}

#[test]
fn what_is_no_frame_is_an_error_and_not_a_guess() {
    let answer = r#"{"errcode":0,"errmsg":"SUCCESS"}"#;
    assert!(matches!(
        Received::parse(answer),
        Err(FrameError::Malformed(_))
    ));
    let torn = r#"{"type":30011,"msg":"{\"call_id\""}"#;
    assert!(matches!(
        Received::parse(torn),
        Err(FrameError::Msg { id: 30011, .. })
    ));
    let other = Received::parse(r#"{"type":30008,"msg":"{}"}"#).unwrap();
    assert!(matches!(
        other.read::<ExtensionRegistrationStatusChanged>(),
        Err(FrameError::Other {
            id: 30008,
            wanted: 30007
        })
    ));
}

#[test]
fn every_event_of_the_contract_has_a_row_and_the_rows_are_in_order() {
    assert_eq!(EVENTS.len(), 34);
    assert!(EVENTS.windows(2).all(|pair| pair[0].id < pair[1].id));
    assert!(!contract::event(30022).unwrap().sn_in_envelope);
    assert!(contract::event(30011).unwrap().sn_in_envelope);
    assert!(contract::event(30021).is_none());
}
