//! What becomes of each member of `extension/create`, in the contract's order.
//! A feature that begins to act on one moves its line to `Acted`.

use crate::kind::Fixed::{EmptyList, Number, Text};
use crate::kind::Rule::{Acted, Elsewhere, Only, Secret, Stored, StoredSecret};
use crate::kind::{MemberRule, Rule, SecretForm};

const fn member(name: &'static str, rule: Rule) -> MemberRule {
    MemberRule::new(name, rule)
}

pub(crate) static MEMBERS: &[MemberRule] = &[
    member("type", Acted),
    member("first_name", Acted),
    member("last_name", Acted),
    member("email_addr", Acted),
    member("mobile_number", Stored),
    member("user_password", StoredSecret(SecretForm::Hashed)),
    member("role_id", Stored),
    member("organization_list", Acted),
    member("title", Stored),
    member("email_language", Acted),
    member("user_lang", Stored),
    member("vm_lang", Stored),
    member("number", Acted),
    member("caller_id", Acted),
    member("reg_name", Acted),
    member("reg_password", Secret(SecretForm::Sealed)),
    member("concurrent_registrations", Acted),
    member("presence_status", Acted),
    member("presence_list", Acted),
    member("presence_mobile_prefix", Stored),
    member("agent_id", Stored),
    member("enb_vm", Stored),
    member("enb_vm_pin", Stored),
    member("vm_pin", StoredSecret(SecretForm::Sealed)),
    member("new_vm_notify", Stored),
    member("after_vm_notify", Stored),
    member("enb_vm_play_datetime", Stored),
    member("enb_vm_play_caller_id", Stored),
    member("enb_vm_play_duration", Stored),
    member("vm_greeting", Stored),
    member("emergency_caller_id", Only(Text(""))),
    member("trunk_caller_id_list", Only(EmptyList)),
    member("presence_status_text", Stored),
    member("enb_email_pwd_chg", Acted),
    member("enb_email_miss_call", Only(Number(0))),
    member("enb_ctl_record", Only(Number(0))),
    member("caller_id_rule_list", Only(EmptyList)),
    member("enb_mobile_client", Stored),
    member("enb_desktop_client", Stored),
    member("enb_web_client", Stored),
    member("group_list", Elsewhere),
    member("disable_outb_call", Only(Number(0))),
    member("disable_office_time_outb_call", Only(Number(0))),
    member("max_outb_call_duration", Only(Number(-1))),
    member("dtmf_mode", Only(Text("rfc4733"))),
    member("transport", Only(Text("udp"))),
    member("enb_qualify", Only(Number(1))),
    member("enb_t38_support", Only(Number(0))),
    member("enb_nat", Only(Number(1))),
    member("enb_srtp", Only(Number(0))),
    member("allow_reg_remotely", Only(Number(1))),
    member("enb_user_agent_ident", Only(Number(0))),
    member("enb_ip_rstr", Only(Number(0))),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_of_create_has_its_rule_in_the_contracts_order() {
        let create = wire::contract::operation("v1.0", "extension/create").unwrap();
        let theirs: Vec<&str> = create.request.iter().map(|member| member.name).collect();
        let ours: Vec<&str> = MEMBERS.iter().map(|member| member.name).collect();
        assert_eq!(ours, theirs);
    }

    #[test]
    fn the_one_value_taken_is_the_contracts_default_where_it_names_one() {
        let create = wire::contract::operation("v1.0", "extension/create").unwrap();
        for member in MEMBERS {
            if let (Only(fixed), Some(default)) =
                (member.rule, create.member(member.name).unwrap().default)
            {
                assert!(fixed.is(&default.into()), "{}", member.name);
            }
        }
    }
}
