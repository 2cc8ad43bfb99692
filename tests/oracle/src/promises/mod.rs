//! What is promised: one promise a file.

pub(crate) mod a_devices_messages_keep_their_order;
pub(crate) mod all_agree_on_every_message;
pub(crate) mod all_have_everything;
pub(crate) mod delivered_is_exact;
pub(crate) mod devices_see_a_chat_in_order;
pub(crate) mod every_message_is_once_in_each_inbox;
pub(crate) mod every_send_has_an_outcome;
pub(crate) mod frames_are_documented;
pub(crate) mod inbox_positions_never_change;
pub(crate) mod no_send_has_two_outcomes;
pub(crate) mod no_text_is_there_twice;
pub(crate) mod nothing_is_made_up;
pub(crate) mod only_messages_are_refused;
pub(crate) mod read_is_exact;
pub(crate) mod receipts_are_in_bounds;
pub(crate) mod receipts_are_never_ahead;
pub(crate) mod receipts_are_served_alike;
pub(crate) mod receipts_never_go_back;
pub(crate) mod replay_gives_the_same;
pub(crate) mod sessions_resume;
pub(crate) mod the_history_is_whole;
pub(crate) mod the_store_tells_what_is_served;
pub(crate) mod time_never_goes_back;
pub(crate) mod unread_is_exact;
pub(crate) mod versions_and_seqs_are_dense;
pub(crate) mod what_was_seen_is_served;
