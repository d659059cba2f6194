//! By the clauses of RFC 3261 §10.

use sip::{MessageBuilder, Method};

use super::*;

const NOW: i64 = 1_800_000_000;
const PHONE: &str = "<sip:1000@10.0.0.5:5060>";
const OTHER: &str = "<sip:1000@10.0.0.6:5060>";
const MARK: i64 = -7;
const INSTANCE: &str = "\"<urn:uuid:1>\"";

fn number() -> ExtensionNumber {
    ExtensionNumber::new("1000").unwrap()
}

fn flow(remote: &str) -> Flow {
    Flow {
        transport: Transport::Udp,
        local: "192.0.2.1:5060".parse().unwrap(),
        remote: remote.parse().unwrap(),
    }
}

/// A registrar and one device's side of it.
struct Test {
    registrar: Registrar,
    limit: usize,
    from: &'static str,
    call_id: &'static str,
    cseq: u32,
}

impl Test {
    fn new(limit: usize) -> Self {
        Self {
            registrar: Registrar::default(),
            limit,
            from: "10.0.0.5:5060",
            call_id: "one",
            cseq: 0,
        }
    }

    fn send(&mut self, contacts: &[&str], expires: Option<&str>) -> Result<Outcome, Refusal> {
        self.cseq += 1;
        self.send_at(NOW, contacts, expires)
    }

    fn send_at(
        &mut self,
        now: i64,
        contacts: &[&str],
        expires: Option<&str>,
    ) -> Result<Outcome, Refusal> {
        let mut builder = MessageBuilder::request(Method::Register, "sip:192.0.2.1")
            .header(HeaderName::Via, "SIP/2.0/UDP 10.0.0.5;branch=z9hG4bK1")
            .header(HeaderName::From, "<sip:1000@192.0.2.1>;tag=1")
            .header(HeaderName::To, "<sip:1000@192.0.2.1>")
            .header(HeaderName::CallId, self.call_id)
            .header(HeaderName::CSeq, format!("{} REGISTER", self.cseq))
            .header(HeaderName::UserAgent, "phone");
        for contact in contacts {
            builder = builder.header(HeaderName::Contact, contact);
        }
        if let Some(expires) = expires {
            builder = builder.header(HeaderName::Expires, expires);
        }
        let request = builder.build().unwrap();
        let registrant = Registrant {
            extension: &number(),
            limit: self.limit,
            credentials: MARK,
        };
        self.registrar
            .register(registrant, &request, &flow(self.from), now)
    }

    fn uris(&self) -> Vec<String> {
        let ids = self.registrar.contacts(&number());
        let uri = |id: &ContactId| self.registrar.binding(*id).unwrap().uri.clone();
        ids.iter().map(uri).collect()
    }
}

/// Who is told as registered.
fn addresses(outcome: &Outcome) -> Vec<String> {
    let address = |(_, address): &(ContactId, SocketAddr)| address.to_string();
    outcome.registered.iter().map(address).collect()
}

fn of(instance: &str, contact: &str) -> String {
    format!("{contact};+sip.instance=\"<urn:uuid:{instance}>\"")
}

fn status(result: Result<Outcome, Refusal>) -> u16 {
    result.unwrap_err().0
}

#[test]
fn s10_2_1_new_binding_is_told_kept_and_answered_with_its_time() {
    let mut test = Test::new(1);
    let outcome = test.send(&[PHONE], Some("600")).unwrap();
    assert_eq!(outcome.contacts, ["<sip:1000@10.0.0.5:5060>;expires=600"]);
    assert!(outcome.moved && outcome.seen);
    assert_eq!(addresses(&outcome), ["10.0.0.5:5060"]);
    assert_eq!(outcome.refreshed.len(), 1);
    let [RegistrationChange::Put(row)] = outcome.keep.as_slice() else {
        panic!("{:?}", outcome.keep)
    };
    assert_eq!((row.expires_at, row.cseq), (NOW + 600, 1));
    assert_eq!(row.flow_remote, "10.0.0.5:5060");
    let online = test.registrar.online();
    assert_eq!(online.get(&number()).unwrap()[0].ip, "10.0.0.5");
}

#[test]
fn s10_2_1_1_expires_is_the_contacts_own_then_the_headers_then_ours() {
    let granted = |contact: &str, header: Option<&str>| {
        let outcome = Test::new(1).send(&[contact], header).unwrap();
        outcome.contacts[0].rsplit('=').next().unwrap().to_owned()
    };
    let own = format!("{PHONE};expires=90");
    assert_eq!(granted(&own, Some("600")), "90");
    assert_eq!(granted(PHONE, Some("600")), "600");
    assert_eq!(granted(PHONE, None), "3600");
    assert_eq!(granted(PHONE, Some("soon")), "3600", "malformed: as none");
    assert_eq!(granted(PHONE, Some("86400")), "7200", "cut down");
    let endless = format!("{PHONE};expires=99999999999");
    assert_eq!(granted(&endless, None), "7200");
}

#[test]
fn s10_2_2_expires_0_removes_one_and_the_last_one_is_told() {
    let mut test = Test::new(2);
    test.send(&[PHONE, OTHER], None).unwrap();
    let outcome = test.send(&[OTHER], Some("0")).unwrap();
    assert_eq!(outcome.unregistered, None, "another is still there");
    assert_eq!(outcome.contacts.len(), 1);
    assert_eq!(outcome.gone.len(), 1, "its timer goes");
    let outcome = test.send(&[PHONE], Some("0")).unwrap();
    assert_eq!(outcome.unregistered, Some("10.0.0.5:5060".parse().unwrap()));
    assert!(test.registrar.online().is_empty());
    let outcome = test.send(&[PHONE], Some("0")).unwrap();
    assert_eq!(outcome, Outcome::default(), "what is not there can't go");
}

#[test]
fn s10_2_2_star_removes_all_and_only_with_expires_0() {
    let mut test = Test::new(2);
    test.send(&[PHONE, OTHER], None).unwrap();
    assert_eq!(status(test.send(&["*"], None)), 400);
    assert_eq!(status(test.send(&["*"], Some("60"))), 400);
    assert_eq!(status(test.send(&["*", PHONE], Some("0"))), 400);
    assert_eq!(test.uris().len(), 2);
    let outcome = test.send(&["*"], Some("0")).unwrap();
    assert_eq!((outcome.contacts.len(), outcome.keep.len()), (0, 2));
    assert!(outcome.unregistered.is_some());
    assert_eq!(test.send(&["*"], Some("0")).unwrap(), Outcome::default());
}

#[test]
fn s10_2_3_fetch_tells_the_bindings_and_changes_nothing() {
    let mut test = Test::new(2);
    test.send(&[PHONE], Some("600")).unwrap();
    test.cseq += 1;
    let outcome = test.send_at(NOW + 100, &[], None).unwrap();
    assert_eq!(outcome.contacts, ["<sip:1000@10.0.0.5:5060>;expires=500"]);
    assert!(outcome.keep.is_empty() && !outcome.moved && !outcome.seen);
}

#[test]
fn s10_2_4_refresh_writes_its_row_and_moves_nothing() {
    let mut test = Test::new(2);
    let first = test.send(&[PHONE], None).unwrap();
    test.cseq += 1;
    let outcome = test.send_at(NOW + 60, &[PHONE], None).unwrap();
    assert!(!outcome.moved && !outcome.seen && outcome.registered.is_empty());
    assert_eq!(outcome.keep.len(), 1);
    assert_eq!(outcome.refreshed[0].0, first.refreshed[0].0, "one binding");
    assert_eq!(outcome.refreshed[0].1, NOW + 60 + 3600);
}

#[test]
fn s10_2_8_too_brief_an_interval_is_423_with_the_shortest() {
    let refused = Test::new(1).send(&[PHONE], Some("5")).unwrap_err();
    assert_eq!(refused.0, 423);
    assert_eq!(refused.1, [(HeaderName::MinExpires, "30".to_owned())]);
}

#[test]
fn s10_3_6_and_7_older_request_of_the_same_call_changes_nothing_at_all() {
    let mut test = Test::new(3);
    test.send(&[PHONE], None).unwrap();
    test.cseq = 0;
    assert_eq!(status(test.send(&[OTHER, PHONE], None)), 500);
    assert_eq!(test.uris().len(), 1, "not even the other contact");
    test.cseq = 0;
    assert_eq!(status(test.send(&["*"], Some("0"))), 500);
    test.call_id = "two";
    test.cseq = 0;
    assert!(
        test.send(&[PHONE], None).is_ok(),
        "another call counts anew"
    );
}

#[test]
fn s10_3_7_uris_are_compared_as_uris_and_the_new_text_is_kept() {
    let mut test = Test::new(3);
    test.send(&[PHONE], None).unwrap();
    let outcome = test.send(&["<SIP:1000@10.0.0.5:5060>"], None).unwrap();
    assert_eq!(outcome.contacts.len(), 1);
    assert_eq!(outcome.keep.len(), 2, "the old row goes");
}

#[test]
fn contact_that_can_not_be_called_is_400() {
    for contact in [
        "<tel:1000>",
        "<sips:1000@10.0.0.5>",
        "<sip:1000@10.0.0.5?Subject=x>",
        "<sip:>",
    ] {
        assert_eq!(
            status(Test::new(1).send(&[contact], None)),
            400,
            "{contact}"
        );
    }
    let long = format!("<sip:1000@10.0.0.5;x={}>", "y".repeat(600));
    assert_eq!(status(Test::new(1).send(&[&long], None)), 400);
    let many = [PHONE; 9];
    assert_eq!(status(Test::new(9).send(&many, None)), 400);
}

#[test]
fn device_that_moved_keeps_its_binding_by_its_instance() {
    let mut test = Test::new(3);
    let with = |contact: &str| format!("{contact};+sip.instance={INSTANCE}");
    test.send(&[&with(PHONE)], None).unwrap();
    test.from = "10.0.0.6:5060";
    let outcome = test.send(&[&with(OTHER)], None).unwrap();
    assert_eq!(test.uris(), ["sip:1000@10.0.0.6:5060"]);
    assert!(outcome.moved);
    assert_eq!(outcome.keep.len(), 2, "old row out, new row in");
    assert_eq!(addresses(&outcome), ["10.0.0.6:5060"], "elsewhere now");
    test.from = "10.0.0.6:7070";
    let outcome = test.send(&[&with(OTHER)], None).unwrap();
    assert!(
        outcome.moved && outcome.registered.is_empty(),
        "a port is no news"
    );
}

#[test]
fn new_instance_at_a_known_uri_takes_that_binding_over() {
    let mut test = Test::new(3);
    test.send(&[PHONE], None).unwrap();
    let outcome = test
        .send(&[&format!("{PHONE};+sip.instance={INSTANCE}")], None)
        .unwrap();
    assert_eq!(outcome.contacts.len(), 1);
    let rows = |o: &Outcome| {
        o.keep
            .iter()
            .filter(|k| matches!(k, RegistrationChange::Put(_)))
            .count()
    };
    let kept = (rows(&outcome), outcome.keep.len());
    assert_eq!(kept, (1, 2), "its row is another now");
}

#[test]
fn old_contact_taken_back_does_not_take_the_new_one_of_the_same_device() {
    let mut test = Test::new(3);
    test.send(&[&of("1", PHONE)], None).unwrap();
    test.send(&[&of("1", OTHER)], None).unwrap();
    let outcome = test.send(&[&of("1", PHONE)], Some("0")).unwrap();
    assert_eq!(outcome.gone.len(), 0);
    assert_eq!(test.uris(), ["sip:1000@10.0.0.6:5060"]);
    let outcome = test.send(&[&of("1", OTHER)], Some("0")).unwrap();
    assert_eq!((outcome.gone.len(), test.uris().len()), (1, 0));
}

#[test]
fn devices_behind_two_nats_with_the_same_contact_are_told_apart_by_their_instance() {
    let mut test = Test::new(3);
    test.send(&[&of("1", PHONE)], None).unwrap();
    (test.from, test.call_id) = ("203.0.113.7:1024", "two");
    let outcome = test.send(&[&of("2", PHONE)], None).unwrap();
    assert_eq!((outcome.gone.len(), test.uris().len()), (0, 2));
    let mut rows = Vec::new();
    for (call_id, from, instance) in [
        ("one", "10.0.0.5:5060", "1"),
        ("two", "203.0.113.7:1024", "2"),
    ] {
        (test.from, test.call_id) = (from, call_id);
        let outcome = test.send(&[&of(instance, PHONE)], None).unwrap();
        assert!(!outcome.moved, "each refreshes its own");
        rows.extend(outcome.keep);
    }
    let [RegistrationChange::Put(one), RegistrationChange::Put(two)] = rows.as_slice() else {
        panic!("{rows:?}")
    };
    assert_ne!(one.instance, two.instance);
    let outcome = test.send(&[&of("2", PHONE)], Some("0")).unwrap();
    assert_eq!((outcome.gone.len(), test.uris().len()), (1, 1));
}

#[test]
fn contact_that_never_stood_is_not_told_as_registered_or_gone() {
    let mut test = Test::new(1);
    let outcome = test.send(&[PHONE, OTHER], None).unwrap();
    assert_eq!(test.uris(), ["sip:1000@10.0.0.6:5060"]);
    assert_eq!(outcome.registered.len(), 1);
    let mut test = Test::new(1);
    let back = format!("{PHONE};expires=0");
    let outcome = test.send(&[PHONE, &back], None).unwrap();
    assert_eq!((addresses(&outcome).len(), outcome.unregistered), (0, None));
}

#[test]
fn oldest_gives_way_past_the_limit_and_nobody_is_told_as_gone() {
    let mut test = Test::new(2);
    let contact = |n: u8| format!("<sip:1000@10.0.0.{n}>");
    test.send(&[&contact(1)], None).unwrap();
    test.send(&[&contact(2)], None).unwrap();
    test.send(&[&contact(1)], None).unwrap();
    let outcome = test.send(&[&contact(3)], None).unwrap();
    assert_eq!(test.uris(), ["sip:1000@10.0.0.3", "sip:1000@10.0.0.1"]);
    assert_eq!(outcome.unregistered, None);
    assert_eq!((outcome.gone.len(), outcome.refreshed.len()), (1, 1));
    let mut one = Test::new(0);
    one.send(&[&contact(1)], None).unwrap();
    let outcome = one.send(&[&contact(2), &contact(3)], None).unwrap();
    assert_eq!(one.uris().len(), 1, "at least one may be there");
    assert_eq!(outcome.unregistered, None);
    assert_eq!(
        outcome.refreshed.len(),
        1,
        "no timer for what came and went"
    );
}

#[test]
fn binding_ends_when_its_time_is_over_and_not_before() {
    let mut test = Test::new(1);
    let id = test.send(&[PHONE], Some("60")).unwrap().refreshed[0].0;
    assert_eq!(test.registrar.expire(id, NOW + 59), None);
    let outcome = test.registrar.expire(id, NOW + 60).unwrap();
    assert!(outcome.unregistered.is_some() && outcome.moved);
    assert_eq!(test.registrar.expire(id, NOW + 61), None);
    assert_eq!(test.registrar.len(), 0);
}

#[test]
fn what_was_kept_comes_back_on_our_present_socket_and_the_overdue_is_known() {
    let mut test = Test::new(2);
    let mut rows = Vec::new();
    for contact in [PHONE, OTHER] {
        let outcome = test.send(&[contact], None).unwrap();
        rows.extend(outcome.keep.into_iter().filter_map(|k| match k {
            RegistrationChange::Put(row) => Some(row),
            RegistrationChange::Remove { .. } => None,
        }));
    }
    rows[0].expires_at = NOW - 1;
    rows.push(RegistrationRow {
        extension: "nobody".into(),
        contact_uri: "sip:x".into(),
        ..Default::default()
    });
    let mut restored = Registrar::default();
    let nonsense = restored.restore(rows, "192.0.2.1:7777".parse().unwrap());
    assert_eq!(
        nonsense,
        [RegistrationChange::Remove {
            extension: "nobody".into(),
            contact_uri: "sip:x".into(),
            instance: None,
        }]
    );
    let [id] = restored.overdue(NOW)[..] else {
        panic!("one is overdue")
    };
    assert!(restored.expire(id, NOW).unwrap().unregistered.is_none());
    let [stays] = restored.contacts(&number())[..] else {
        panic!("one stays")
    };
    let binding = restored.binding(stays).unwrap();
    assert_eq!(binding.flow.local.port(), 7777);
    assert_eq!(binding.flow.remote, "10.0.0.5:5060".parse().unwrap());
    assert_eq!(restored.online().get(&number()).unwrap().len(), 1);
}

#[test]
fn bindings_that_do_not_hold_go_and_others_keep_theirs() {
    let mut test = Test::new(2);
    test.send(&[PHONE, OTHER], None).unwrap();
    let other = ExtensionNumber::new("1001").unwrap();
    let none = |_: &Binding| false;
    assert_eq!(test.registrar.revise(&other, 2, none, NOW), None);
    let made_so = |b: &Binding| b.credentials == Some(MARK);
    assert_eq!(test.registrar.revise(&number(), 2, made_so, NOW), None);
    let outcome = test.registrar.revise(&number(), 2, none, NOW).unwrap();
    assert_eq!((outcome.gone.len(), outcome.keep.len()), (2, 2));
    assert!(outcome.unregistered.is_some());
    assert!(test.registrar.extensions().is_empty());
}

#[test]
fn lowered_limit_lets_the_oldest_go_and_nobody_is_told_as_gone() {
    let mut test = Test::new(3);
    test.send(&[PHONE], None).unwrap();
    test.send(&[OTHER], None).unwrap();
    let outcome = test.registrar.revise(&number(), 1, |_| true, NOW).unwrap();
    assert_eq!(test.uris(), ["sip:1000@10.0.0.6:5060"]);
    assert_eq!((outcome.gone.len(), outcome.unregistered), (1, None));
    assert!(outcome.moved && outcome.seen);
}

#[test]
fn ten_thousand_registrations_cost_the_same_each() {
    let mut registrar = Registrar::default();
    let copies: Vec<OnlineMap> = (0..10_000)
        .map(|n| {
            let mut outcome = Outcome::default();
            let wish = Wish {
                uri: "sip:x@10.0.0.1".into(),
                expires: 60,
                instance: None,
            };
            let source = Source {
                flow: flow("10.0.0.1:5060"),
                call_id: "c",
                cseq: 1,
                user_agent: "",
                credentials: MARK,
            };
            let number = ExtensionNumber::new(&n.to_string()).unwrap();
            registrar.grant(&number, wish, &source, NOW, &mut outcome);
            registrar.finish(&number, outcome, NOW);
            registrar.online()
        })
        .collect();
    // Each of them is still what it was: they share, nothing is copied whole.
    assert_eq!(copies[0].size(), 1);
    assert_eq!(copies[9_999].size(), 10_000);
}
