//! The columns of the vendor's CSV files and the members of the API that they
//! are. Facts, with where they were read; no text of the guide is in here.
//!
//! Extensions: administrator guide, "Extension Parameters"
//! (help.yeastar.com/en/p-series-cloud-edition/administrator-guide/
//! import-and-export-parameters-extension.html, and the appliance's and the
//! software edition's), read down to Voicemail PIN Authentication; the rest of
//! the header and the values that a new extension has in it are from a public
//! program that writes such files for resellers. `Job Title` is inferred.
//!
//! Contacts: administrator guide, "Contacts Parameters" (…/
//! import-and-export-parameters-contacts.html); the header whole, also from two
//! public programs that read and write it.
//!
//! Extension groups and phonebooks have no file of the vendor's that could be
//! found: their columns are the API's own member names.
//!
//! Departments: administrator guide, "Organization Parameters" (…/
//! import-and-export-parameters-organization.html).

/// How a cell becomes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// As it stands.
    Text,
    /// A whole number; flags are 0 and 1.
    Number,
    /// A password: never exported unless asked for; made where blank.
    Password,
    /// Departments by their full path, joined by `&`.
    Organizations,
    /// 0, or a role's name.
    Role,
    /// A language by its name; on the wire a code.
    MailLanguage,
    /// One of a contact's numbers, of this kind.
    ContactNumber,
    /// Phonebooks by name, joined by `&` (inferred: the other pages' sign).
    Phonebooks,
    /// Extensions by number, joined by `&`, as this user type of a group.
    Members(&'static str),
    /// The department above, by its full path.
    Parent,
    /// The API has no such member: only what a new object has anyway is taken.
    Unreachable,
}

/// One column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its title in the file.
    pub title: &'static str,
    /// The member; of a column out of the API's reach, what it is by default.
    pub member: &'static str,
    /// How a cell becomes a value.
    pub how: How,
}

const fn column(title: &'static str, member: &'static str, how: How) -> Column {
    Column { title, member, how }
}

const fn text(title: &'static str, member: &'static str) -> Column {
    column(title, member, How::Text)
}

const fn number(title: &'static str, member: &'static str) -> Column {
    column(title, member, How::Number)
}

const fn out_of_reach(title: &'static str, default: &'static str) -> Column {
    column(title, default, How::Unreachable)
}

/// Other titles that the same column has had; compared without regard to case.
pub const ALIASES: &[(&str, &str)] = &[
    (
        "Concurrent Registrations",
        "IP Phone Concurrent Registrations",
    ),
    ("Email", "Email Address"),
    ("Company", "Company Name"),
];

/// Extensions.
pub const EXTENSION: &[Column] = &[
    text("First Name", "first_name"),
    text("Last Name", "last_name"),
    text("Email Address", "email_addr"),
    text("Mobile Number", "mobile_number"),
    column("User Password", "user_password", How::Password),
    text("System Prompt Language", "user_lang"),
    column("Email Language", "email_language", How::MailLanguage),
    column("Organization", "organization_list", How::Organizations),
    text("Job Title", "title"),
    column("User Role", "role_id", How::Role),
    text("Extension Number", "number"),
    text("Caller ID", "caller_id"),
    text("Registration Name", "reg_name"),
    column("Registration Password", "reg_password", How::Password),
    number(
        "IP Phone Concurrent Registrations",
        "concurrent_registrations",
    ),
    text("Emergency Outbound Caller ID", "emergency_caller_id"),
    number("Enable Voicemail", "enb_vm"),
    number("Voicemail PIN Authentication", "enb_vm_pin"),
    column("Voicemail Access PIN", "vm_pin", How::Password),
    text("Voicemail Language", "vm_lang"),
    text("New Voicemail Notification", "new_vm_notify"),
    text("After Notification", "after_vm_notify"),
    number("Play Caller ID", "enb_vm_play_caller_id"),
    number("Play Message Duration", "enb_vm_play_duration"),
    number("Play Date and Time", "enb_vm_play_datetime"),
    out_of_reach("Time Display Format", "follow_system"),
    number(
        "Send email notification when the User Password is changed",
        "enb_email_pwd_chg",
    ),
    number(
        "Send email notifications on missed calls",
        "enb_email_miss_call",
    ),
    number("Recording operation", "enb_ctl_record"),
    out_of_reach("All Busy Mode For Endpoints", "0"),
    out_of_reach("Allow Being Monitored", "1"),
    text("DTMF Mode", "dtmf_mode"),
    text("Transport", "transport"),
    number("Qualify", "enb_qualify"),
    number("T.38 Support", "enb_t38_support"),
    number("SRTP", "enb_srtp"),
    number(
        "Disable Outbound Calls outside Business Hours",
        "disable_office_time_outb_call",
    ),
    number("Disable Outbound Calls", "disable_outb_call"),
    number("Max Outbound Call Duration (s)", "max_outb_call_duration"),
    out_of_reach("Disallow International Calls", "1"),
    out_of_reach("Outbound Route Permission", ""),
    number("Linkus Mobile Client", "enb_mobile_client"),
    number("Linkus Desktop Client", "enb_desktop_client"),
    number("Linkus Web Client", "enb_web_client"),
    out_of_reach("Linkus Mobile Client Codec", ""),
    out_of_reach(
        "Outbound Call Frequency Restriction",
        "Default_Ext_Outbound Call Frequency",
    ),
    out_of_reach("Video Preview", "0"),
    out_of_reach("Auto Preview", "0"),
    out_of_reach("Hot Desking", "0"),
    out_of_reach("Log out of Queue", "1"),
    out_of_reach("Automatic Guest Out", "0"),
    out_of_reach("After hr.", "8"),
    out_of_reach("After min.", "0"),
    out_of_reach("At Daily", ""),
    out_of_reach("Send to", "user_email"),
    out_of_reach("Voicemail Email Address", ""),
    out_of_reach("All Reject Mode for Endpoints", "0"),
    out_of_reach("Call Waiting(for Mobile Client)", "1"),
    out_of_reach("Auto Answer(for Mobile Client)", "0"),
    out_of_reach("Auto Answer Delay Time(s)(for Mobile Client)", "0"),
    out_of_reach("Play Auto Answer Tone(for Mobile Client)", "1"),
    out_of_reach("Auto Answer Paging/Intercom Call(for Mobile Client)", "0"),
    out_of_reach("Paging/Intercom Barge(for Mobile Client)", "0"),
    out_of_reach(
        "Play Auto Answer Tone for Paging/Intercom Call(for Mobile Client)",
        "1",
    ),
    out_of_reach("Call Waiting(for Desktop Client)", "1"),
    out_of_reach("Auto Answer(for Desktop Client)", "0"),
    out_of_reach("Auto Answer Delay Time(s)(for Desktop Client)", "0"),
    out_of_reach("Play Auto Answer Tone(for Desktop Client)", "1"),
    out_of_reach("Auto Answer Paging/Intercom Call(for Desktop Client)", "0"),
    out_of_reach("Paging/Intercom Barge(for Desktop Client)", "0"),
    out_of_reach(
        "Play Auto Answer Tone for Paging/Intercom Call(for Desktop Client)",
        "1",
    ),
    out_of_reach("Call Waiting(for Web Client)", "1"),
    out_of_reach("Auto Answer(for Web Client)", "0"),
    out_of_reach("Auto Answer Delay Time(s)(for Web Client)", "0"),
    out_of_reach("Play Auto Answer Tone(for Web Client)", "1"),
    out_of_reach("Auto Answer Paging/Intercom Call(for Web Client)", "0"),
    out_of_reach("Paging/Intercom Barge(for Web Client)", "0"),
    out_of_reach(
        "Play Auto Answer Tone for Paging/Intercom Call(for Web Client)",
        "1",
    ),
    // No columns of the vendor's: what its file leaves out and the API has.
    text("presence_status", "presence_status"),
    text("agent_id", "agent_id"),
];

const fn contact_number(title: &'static str, kind: &'static str) -> Column {
    column(title, kind, How::ContactNumber)
}

/// Company contacts.
pub const CONTACT: &[Column] = &[
    text("First Name", "first_name"),
    text("Last Name", "last_name"),
    text("Company Name", "company"),
    text("Email", "email"),
    contact_number("Business Number", "business_number"),
    contact_number("Business Number 2", "business_number2"),
    contact_number("Business Fax", "business_fax"),
    contact_number("Mobile", "mobile_number"),
    contact_number("Mobile 2", "mobile_number2"),
    contact_number("Home", "home_number"),
    contact_number("Home 2", "home_number2"),
    contact_number("Home Fax", "home_fax"),
    contact_number("Other", "other_number"),
    text("ZIP Code", "zip_code"),
    text("Street", "street"),
    text("City", "city"),
    text("State", "state"),
    text("Country", "country"),
    text("Remark", "remark"),
    column("Phonebook", "phonebook_id_list", How::Phonebooks),
];

/// Extension groups.
pub const GROUP: &[Column] = &[
    text("name", "name"),
    text("member_select", "member_select"),
    column("members", "members", How::Members("user")),
    column("managers", "members", How::Members("manager")),
    column("custom_members", "members", How::Members("custom")),
    number("mgr_enb_chg_presence", "mgr_enb_chg_presence"),
    number("mgr_enb_call_distribution", "mgr_enb_call_distribution"),
    number("mgr_enb_call_conn", "mgr_enb_call_conn"),
    number("mgr_enb_monitor", "mgr_enb_monitor"),
    number("mgr_enb_call_park", "mgr_enb_call_park"),
    number("mgr_enb_ctrl_ivr", "mgr_enb_ctrl_ivr"),
    number("mgr_enb_ctrl_call_flow", "mgr_enb_ctrl_call_flow"),
    number(
        "mgr_enb_ctrl_ai_receptionist",
        "mgr_enb_ctrl_ai_receptionist",
    ),
    number("mgr_enb_office_time_switch", "mgr_enb_office_time_switch"),
    number("mgr_enb_mgr_recording", "mgr_enb_mgr_recording"),
    number(
        "mgr_enb_company_contact_match",
        "mgr_enb_company_contact_match",
    ),
    number(
        "mgr_enb_ext_call_distribution",
        "mgr_enb_ext_call_distribution",
    ),
    number("mgr_enb_ext_call_conn", "mgr_enb_ext_call_conn"),
    number("mgr_enb_ext_monitor", "mgr_enb_ext_monitor"),
    number("user_enb_chg_presence", "user_enb_chg_presence"),
    number("user_enb_call_distribution", "user_enb_call_distribution"),
    number("user_enb_call_conn", "user_enb_call_conn"),
    number("user_enb_monitor", "user_enb_monitor"),
    number("user_enb_call_park", "user_enb_call_park"),
    number("user_enb_ctrl_ivr", "user_enb_ctrl_ivr"),
];

/// Phonebooks; who is in them is said by the contacts' file.
pub const PHONEBOOK: &[Column] = &[text("name", "name"), text("member_select", "member_select")];

/// Departments.
pub const ORGANIZATION: &[Column] = &[
    text("Organization Name", "name"),
    column("Parent Organization", "parent_id", How::Parent),
];

/// Languages of mails: the name in a file, the code on the wire.
pub const MAIL_LANGUAGES: &[(&str, &str)] = &[
    ("follow_system", "follow_system"),
    ("Chinese Simplified", "zh-cn"),
    ("English", "en"),
    ("Russian", "ru"),
    ("German", "de"),
    ("French", "fr"),
    ("Portuguese Brazil", "bp"),
    ("Italian", "it"),
    ("Turkish", "tr"),
];

/// The column of a title, however it is written.
pub fn titled(columns: &'static [Column], title: &str) -> Option<&'static Column> {
    let same = |other: &str| other.eq_ignore_ascii_case(title.trim());
    let plain = columns.iter().find(|column| same(column.title));
    plain.or_else(|| {
        let (_, meant) = ALIASES.iter().find(|(alias, _)| same(alias))?;
        columns.iter().find(|column| column.title == *meant)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_a_member_that_the_contract_has() {
        for (path, columns) in [
            ("extension/create", EXTENSION),
            ("company_contact/create", CONTACT),
            ("extensiongroup/create", GROUP),
            ("phonebook/create", PHONEBOOK),
            ("organization/create", ORGANIZATION),
        ] {
            let operation = wire::contract::operation("v1.0", path).unwrap();
            for column in columns {
                match column.how {
                    How::Unreachable => {}
                    How::ContactNumber => {
                        let kinds = wire::contract::named_type("Number_List").unwrap();
                        let kinds = kinds.members.iter().find(|m| m.name == "num_type").unwrap();
                        let kind = wire::contract::Scalar::Text(column.member);
                        assert!(kinds.values.contains(&kind), "{}", column.title);
                    }
                    _ => assert!(
                        operation.member(column.member).is_some(),
                        "{}",
                        column.title
                    ),
                }
            }
        }
    }

    #[test]
    fn titles_are_found_in_any_case_and_by_older_names() {
        assert_eq!(titled(EXTENSION, "Last name").unwrap().member, "last_name");
        let older = titled(EXTENSION, " concurrent registrations ").unwrap();
        assert_eq!(older.member, "concurrent_registrations");
        assert_eq!(titled(CONTACT, "Email").unwrap().member, "email");
        assert!(titled(CONTACT, "Extension Number").is_none());
    }
}
