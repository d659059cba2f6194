//! RTP and audio: relay, play, record, mix; own threads.
