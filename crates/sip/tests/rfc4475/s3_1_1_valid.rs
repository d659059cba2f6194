//! 3.1.1: unusual, but valid.

use bytes::Bytes;
use sip::{HeaderName, Message, Method, Uri};

use crate::{accept, wire};

#[test]
fn s3_1_1_1_a_short_tortuous_invite_is_understood() {
    let message = accept(
        "INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0
TO :
 sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n
from   : \"J Rosenberg \\\\\\\"\"       <sip:jdrosen@example.com>
  ;
  tag = 98asjd8
MaX-fOrWaRdS: 0068
Call-ID: wsinv.ndaksdj@192.0.2.1
Content-Length   : 4
cseq: 0009
  INVITE
Via  : SIP  /   2.0
 /UDP
    192.0.2.2;branch=390skdjuw
s :
NewFangledHeader:   newfangled value
 continued newfangled value
UnknownHeaderWithUnusualValue: ;;,,;;,;
Content-Type: application/sdp
Route:
 <sip:services.example.com;lr;unknownwith=value;unknown-no-value>
v:  SIP  / 2.0  / TCP     spindle.example.com   ;
  branch  =   z9hG4bK9ikj8  ,
 SIP  /    2.0   / UDP  192.168.255.111   ; branch=
 z9hG4bK30239
m:\"Quoted string \\\"\\\"\" <sip:jdrosen@example.com> ; newparam =
      newvalue ;
  secondparam ; q = 0.33

v=0
",
    );
    assert_eq!(message.to_tag(), Some("1918181833n"));
    assert_eq!(message.from_tag(), Some("98asjd8"));
    assert_eq!(
        message.from().unwrap().display_name().unwrap(),
        "J Rosenberg \\\""
    );
    assert_eq!(message.max_forwards(), Some(68));
    let cseq = message.cseq().unwrap();
    assert_eq!((cseq.number, cseq.method), (9, Method::Invite));
    let vias: Vec<_> = message
        .values(HeaderName::Via)
        .map(|v| sip::Via::parse(v).unwrap())
        .collect();
    let hops: Vec<_> = vias
        .iter()
        .map(|v| (v.transport, v.host, v.branch()))
        .collect();
    assert_eq!(
        hops,
        [
            ("UDP", "192.0.2.2", Some("390skdjuw")),
            ("TCP", "spindle.example.com", Some("z9hG4bK9ikj8")),
            ("UDP", "192.168.255.111", Some("z9hG4bK30239")),
        ]
    );
    assert_eq!(message.header(HeaderName::Subject), Some(""));
    assert_eq!(
        message.header(HeaderName::custom("newfangledheader")),
        Some("newfangled value continued newfangled value")
    );
    let contact = message.contacts().next().unwrap().unwrap();
    assert_eq!(contact.display_name().unwrap(), "Quoted string \"\"");
    assert_eq!(contact.param("newparam"), Some("newvalue"));
    assert_eq!(contact.param("secondparam"), Some(""));
    assert_eq!(contact.param("Q"), Some("0.33"));
    let route = message.values(HeaderName::Route).next().unwrap();
    let route = Uri::parse(sip::NameAddr::parse(route).unwrap().uri).unwrap();
    assert!(route.is_lr());
    assert_eq!(message.body(), b"v=0\r");
}

#[test]
fn s3_1_1_2_the_wide_range_of_valid_characters_is_kept() {
    let method = "!interesting-Method0123456789_*+`.%indeed'~";
    let uri = "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com";
    let message = accept(&format!(
        "{method} {uri} SIP/2.0
Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~
To: \"BEL:\\\u{7} NUL:\\\u{0} DEL:\\\u{7f}\" <sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com>
From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>;fromParam''~+*_!.-%=\"\u{440}\u{430}\u{431}\";tag=_token~1'+`*%!-.
Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}}{{
CSeq: 139122385 {method}
Max-Forwards: 255
extensionHeader-!.%*+_`'~: \u{fb85}\u{e29f} text

"
    ));
    assert_eq!(message.method().unwrap().as_str(), method);
    assert_eq!(
        message.call_id(),
        Some("intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{")
    );
    let parsed = Uri::parse(message.request_uri().unwrap()).unwrap();
    assert_eq!(
        parsed.user(),
        Some("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*")
    );
    assert_eq!(
        parsed.password(),
        Some("&it+has=1,weird!*pas$wo~d_too.(doesn't-it)")
    );
    assert_eq!(parsed.to_string(), uri);
    let to = message.to().unwrap();
    assert_eq!(to.display_name().unwrap(), "BEL:\u{7} NUL:\u{0} DEL:\u{7f}");
    let from = message.from().unwrap();
    assert_eq!(from.display, Some("token1~` token2'+_ token3*%!.-"));
    assert_eq!(from.tag(), Some("_token~1'+`*%!-."));
}

#[test]
fn s3_1_1_3_escapes_are_no_delimiters_and_print_as_they_stood() {
    let message = accept(
        "INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0
To: sip:%75se%72@example.com
From: <sip:I%20have%20spaces@example.net>;tag=938
Max-Forwards: 87
i: esc01.239409asdfakjkn23onasd0-3234
CSeq: 234234 INVITE
Via: SIP/2.0/UDP host5.example.net;branch=z9hG4bKkdjuw
Contact: <sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31>
Content-Length: 0

",
    );
    let uri = Uri::parse(message.request_uri().unwrap()).unwrap();
    assert_eq!(uri.user_unescaped().unwrap(), "sips:user@example.com");
    assert_eq!(uri.host(), "example.net");
    assert_eq!(uri.as_str(), "sip:sips%3Auser%40example.com@example.net");
    let to = Uri::parse(message.to().unwrap().uri).unwrap();
    assert!(to.equivalent(&Uri::parse("sip:user@example.com").unwrap()));
    let from = Uri::parse(message.from().unwrap().uri).unwrap();
    assert_eq!(from.user_unescaped().unwrap(), "I have spaces");
    let contact = Uri::parse(message.contacts().next().unwrap().unwrap().uri).unwrap();
    assert!(contact.is_lr());
    assert_eq!(contact.param("name"), Some("v%61lue%25%34%31"));
}

#[test]
fn s3_1_1_4_an_escaped_nul_is_part_of_the_user() {
    let message = accept(
        "REGISTER sip:example.com SIP/2.0
To: sip:null-%00-null@example.com
From: sip:null-%00-null@example.com;tag=839923423
Max-Forwards: 70
Call-ID: escnull.39203ndfvkjdasfkq3w4otrq0adsfdfnavd
CSeq: 14398234 REGISTER
Via: SIP/2.0/UDP host5.example.com;branch=z9hG4bKkdjuw
Contact: <sip:%00@host5.example.com>
Contact: <sip:%00%00@host5.example.com>
L:0

",
    );
    let users: Vec<_> = message
        .contacts()
        .map(|c| {
            Uri::parse(c.unwrap().uri)
                .unwrap()
                .user_unescaped()
                .unwrap()
                .into_owned()
        })
        .collect();
    assert_eq!(users, ["\0", "\0\0"]);
    assert_eq!(message.from().unwrap().uri, "sip:null-%00-null@example.com");
}

#[test]
fn s3_1_1_5_a_percent_sign_outside_of_uris_is_no_escape() {
    let message = accept(
        "RE%47IST%45R sip:registrar.example.com SIP/2.0
To: \"%Z%45\" <sip:resource@example.com>
From: \"%Z%45\" <sip:resource@example.com>;tag=f232jadfj23
Call-ID: esc02.asdfnqwo34rq23i34jrjasdcnl23nrlknsdf
Via: SIP/2.0/TCP host.example.com;rport;branch=z9hG4bK209%fzsnel234
CSeq: 29344 RE%47IST%45R
Max-Forwards: 70
Contact: <sip:alias1@host1.example.com>
C%6Fntact: <sip:alias2@host2.example.com>
Contact: <sip:alias3@host3.example.com>
l: 0

",
    );
    assert_eq!(message.method(), Some(Method::Other("RE%47IST%45R".into())));
    assert_eq!(message.contacts().count(), 2);
    assert_eq!(message.to().unwrap().display_name().unwrap(), "%Z%45");
    assert_eq!(
        message.top_via().unwrap().branch(),
        Some("z9hG4bK209%fzsnel234")
    );
}

#[test]
fn s3_1_1_6_no_blank_is_needed_between_display_name_and_bracket() {
    let message = accept(
        "OPTIONS sip:user@example.com SIP/2.0
To: sip:user@example.com
From: caller<sip:caller@example.com>;tag=323
Max-Forwards: 70
Call-ID: lwsdisp.1234abcd@funky.example.com
CSeq: 60 OPTIONS
Via: SIP/2.0/UDP funky.example.com;branch=z9hG4bKkdjuw
l: 0

",
    );
    let from = message.from().unwrap();
    assert_eq!(
        (from.display, from.uri),
        (Some("caller"), "sip:caller@example.com")
    );
}

#[test]
fn s3_1_1_7_long_values_in_header_fields_are_kept_whole() {
    let long = |what: &str, times: usize| what.repeat(times);
    let display = format!("I have a user name of {} proportion", long("extreme", 10));
    let user = format!("user{}name", long("long", 50));
    let name = format!("Unknown-{}-Name", long("Long", 20));
    let value = format!("unknown-{}-value", long("long", 20));
    let call_id = format!("longreq.one{}longcallid", long("really", 20));
    let branch = format!("z9hG4bK{}branch", long("long", 50));
    let vias: String = (1..34)
        .map(|n| format!("Via: SIP/2.0/TCP sip{n}.example.com\n"))
        .collect();
    let message = accept(&format!(
        "INVITE sip:user@example.com SIP/2.0
To: \"{display}\" <sip:{user}@example.com:6000;unknownparam1=very{}value>
F: sip:{user}@example.com;tag=12{}424;unknownheaderparamname{}=unknown{}value
Call-ID: {call_id}
CSeq: 3882340 INVITE
Max-Forwards: 70
{name}: {value}
{vias}v: SIP/2.0/TCP host.example.com;branch={branch}
Contact: <sip:{user}@host5.example.net>

",
        long("long", 20),
        long("long", 20),
        long("long", 10),
        long("long", 15),
    ));
    assert_eq!(message.call_id(), Some(call_id.as_str()));
    assert_eq!(message.to().unwrap().display, Some(display.as_str()));
    assert_eq!(message.values(HeaderName::Via).count(), 34);
    let last = message.values(HeaderName::Via).last().unwrap();
    assert_eq!(
        sip::Via::parse(last).unwrap().branch(),
        Some(branch.as_str())
    );
    assert_eq!(
        message.header(HeaderName::parse(&name)),
        Some(value.as_str())
    );
}

#[test]
fn s3_1_1_8_octets_after_the_content_length_are_not_the_next_message() {
    let first = "REGISTER sip:example.com SIP/2.0
To: sip:j.user@example.com
From: sip:j.user@example.com;tag=43251j3j324
Max-Forwards: 8
I: dblreq.0ha0isndaksdj99sdfafnl3lk233412
Contact: sip:j.user@host.example.com
CSeq: 8 REGISTER
Via: SIP/2.0/UDP 192.0.2.125;branch=z9hG4bKkdjuw23492
Content-Length: 0

";
    let message = accept(&format!("{first}{}", first.replace("REGISTER", "INVITE")));
    assert_eq!(message.as_bytes(), &wire(first));
    assert_eq!(message.body(), b"");
}

#[test]
fn s3_1_1_9_a_semicolon_before_the_at_belongs_to_the_user() {
    let message = accept(
        "OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0
To: sip:j_user@example.com
From: sip:caller@example.org;tag=33242
Max-Forwards: 3
Call-ID: semiuri.0ha0isndaksdj
CSeq: 8 OPTIONS
Accept: application/sdp, application/pkcs7-mime,
        multipart/mixed, multipart/signed,
        message/sip, message/sipfrag
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKkdjuw
l: 0

",
    );
    let uri = Uri::parse(message.request_uri().unwrap()).unwrap();
    assert_eq!(uri.user_unescaped().unwrap(), "user;par=u@example.net");
    assert_eq!(uri.params().count(), 0);
    assert_eq!(message.values(HeaderName::Accept).count(), 6);
}

#[test]
fn s3_1_1_10_unknown_transports_are_read() {
    let message = accept(
        "OPTIONS sip:user@example.com SIP/2.0
To: sip:user@example.com
From: <sip:caller@example.com>;tag=323
Max-Forwards: 70
Call-ID:  transports.kijh4akdnaqjkwendsasfdj
Accept: application/sdp
CSeq: 60 OPTIONS
Via: SIP/2.0/UDP t1.example.com;branch=z9hG4bKkdjuw
Via: SIP/2.0/SCTP t2.example.com;branch=z9hG4bKklasjdhf
Via: SIP/2.0/TLS t3.example.com;branch=z9hG4bK2980unddj
Via: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKasd0f3en
Via: SIP/2.0/TCP t5.example.com;branch=z9hG4bK0a9idfnee
l: 0

",
    );
    let transports: Vec<_> = message
        .values(HeaderName::Via)
        .map(|v| sip::Via::parse(v).unwrap().transport.to_owned())
        .collect();
    assert_eq!(transports, ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]);
}

#[test]
fn s3_1_1_11_a_multipart_body_is_carried_byte_for_byte() {
    let head = wire(
        "MESSAGE sip:kumiko@example.org SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK-d87543-4dade06d0bdb11ee-1--d87543-;rport
Max-Forwards: 70
Route: <sip:127.0.0.1:5080>
Identity: r5mwreLuyDRYBi/0TiPwEsY3rEVsk/G2WxhgTV1PF7hHuL
Contact: <sip:fluffy@127.0.0.1:5070>
To: <sip:kumiko@example.org>
From: <sip:fluffy@example.com>;tag=2fb0dcc9
Call-ID: 3d9485ad0c49859b@Zmx1ZmZ5LW1hYy0xNi5sb2NhbA..
CSeq: 1 MESSAGE
Content-Transfer-Encoding: binary
Content-Type: multipart/mixed;boundary=7a9cbec02ceef655
Date: Sat, 15 Oct 2005 04:44:56 GMT
User-Agent: SIPimp.org/0.2.5 (curses)
Content-Length: 67

",
    );
    let mut body = b"--7a9cbec02ceef655\r\nContent-Type: text/plain\r\n\r\nHello\r\n".to_vec();
    body.extend([
        0, 0xFF, 0x30, 0x82, 0x0A, 0x0D, 0xC3, 0x28, b'\r', b'\n', b'\r', b'\n',
    ]);
    assert_eq!(body.len(), 67);
    let datagram = Bytes::from([head.as_ref(), &body].concat());
    let message = Message::parse(datagram.clone()).unwrap();
    assert_eq!(message.body(), body);
    assert_eq!(message.as_bytes(), &datagram);
    assert_eq!(
        message.content_type(),
        Some("multipart/mixed;boundary=7a9cbec02ceef655")
    );
}

fn response(start: &str) -> String {
    format!(
        "{start}
Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923
Call-ID: unreason.1234ksdfak3j2erwedfsASdf
CSeq: 35 INVITE
From: sip:user@example.com;tag=11141343
To: sip:user@example.edu;tag=2229
Content-Length: 0

"
    )
}

#[test]
fn s3_1_1_12_a_reason_phrase_may_have_any_characters() {
    let reason = "= 2**3 * 5**2 \u{43d}\u{43e} \u{441}\u{442}\u{43e} - \u{43f}\u{440}\u{43e}\u{441}\u{442}\u{43e}\u{435}";
    let message = accept(&response(&format!("SIP/2.0 200 {reason}")));
    assert_eq!(message.status(), Some(200));
    assert_eq!(message.reason(), reason);
}

#[test]
fn s3_1_1_13_an_empty_reason_phrase_is_one() {
    let message = accept(&response("SIP/2.0 100 "));
    assert_eq!((message.status(), message.reason()), (Some(100), ""));
}
