#include "zmtp.hpp"

#include <algorithm>
#include <utility>

namespace zmtp {

namespace {

constexpr size_t most_kept = 512;  // of a body; a READY with its properties is shorter

std::uint64_t number(std::string_view bytes) {
    std::uint64_t n = 0;
    for (const char c : bytes) n = n << 8 | static_cast<unsigned char>(c);
    return n;
}

/// Takes up to `size` bytes off the beginning of `rest`.
std::string_view take(std::string_view& rest, std::uint64_t size) {
    const std::string_view part = rest.substr(0, std::min<std::uint64_t>(size, rest.size()));
    rest.remove_prefix(part.size());
    return part;
}
/// The same, where a number of `width` bytes says how many.
std::string_view take_sized(std::string_view& rest, size_t width) {
    const std::uint64_t size = number(take(rest, width));
    return take(rest, size);
}

std::string properties(std::string_view rest) {
    std::string text;
    while (!rest.empty()) {
        const std::string name = printable(take_sized(rest, 1));
        const std::string value = printable(take_sized(rest, 4));
        if (!value.empty()) text += (text.empty() ? "" : ", ") + name + " " + value;
    }
    return text;
}

bool is_name(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
}

}  // namespace

std::string greeting(std::string_view mechanism, char minor) {
    std::string bytes("\xff\0\0\0\0\0\0\0\1\x7f\3", 11);
    bytes.append(1, minor).append(mechanism);
    bytes.resize(64);
    return bytes;
}

std::string frame(std::string_view body, unsigned char flags) {
    const bool is_large = body.size() > 255;
    std::string bytes(1, static_cast<char>(flags | (is_large ? large : 0)));
    for (int shift = is_large ? 56 : 0; shift >= 0; shift -= 8)
        bytes += static_cast<char>(static_cast<std::uint64_t>(body.size()) >> shift & 0xff);
    return bytes.append(body);
}

std::string ready(std::string_view socket_type) {
    return std::string("\5READY\13Socket-Type\0\0\0", 21)
        .append(1, static_cast<char>(socket_type.size()))
        .append(socket_type);
}

std::string printable(std::string_view bytes, std::uint64_t size) {
    constexpr size_t most = 40;
    constexpr char hex[] = "0123456789abcdef";
    std::string shown;
    for (const char c : bytes.substr(0, most)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte > 0x7e)
            shown.append("\\x").append(1, hex[byte >> 4]).append(1, hex[byte & 15]);
        else
            shown.append(c == '\\' ? 2 : 1, c);
    }
    return size > most ? shown + "... (" + std::to_string(size) + " bytes)" : shown;
}

std::vector<Event> Decoder::feed(std::string_view bytes) {
    while (!bytes.empty()) {
        if (state_ == State::raw) {
            size_ += bytes.size();
            emit({.kind = "bytes"});
            break;
        }
        const std::string_view part = take(bytes, state_ == State::body ? left_ : 1);
        size_ += part.size();
        if (state_ == State::body) {
            left_ -= part.size();
            kept_.append(part.substr(0, most_kept - kept_.size()));
        } else {
            kept_.append(part);
            state_ == State::greeting ? step_greeting() : step_head();
        }
        if (state_ == State::body && left_ == 0) end_frame();
    }
    return std::exchange(events_, {});
}

void Decoder::emit(Event event) {
    event.size = std::exchange(size_, 0);
    events_.push_back(std::move(event));
}

void Decoder::step_greeting() {
    const size_t size = kept_.size();
    if (kept_[0] != '\xff' || (size == 10 && (kept_[9] & 1) == 0)) {
        state_ = State::raw;  // ZMTP 1 without a version, or no ZMTP at all
    } else if (size == 11 && static_cast<unsigned char>(kept_[10]) < 3) {
        state_ = State::raw;  // what follows is of ZMTP 1 or 2
        emit({.kind = "greeting", .version = kept_[10] == 0 ? "1.0" : "2.0"});
    } else if (size == 64) {
        mechanism_ = kept_.substr(12, 20);
        mechanism_.resize(mechanism_.find_last_not_of('\0') + 1);
        state_ = is_name(mechanism_) ? State::head : State::raw;
        if (state_ == State::head)
            emit({.kind = "greeting",
                  .version = std::to_string(kept_[10]) + "." + std::to_string(kept_[11]),
                  .mechanism = mechanism_});
    }
    if (state_ != State::greeting) kept_.clear();
    if (state_ == State::raw && size_ > 0) emit({.kind = "bytes"});
}

void Decoder::step_head() {
    flags_ = static_cast<unsigned char>(kept_[0]);
    const bool wrong = flags_ > (more | large | command) || (flags_ & 5) == (command | more);
    if (!wrong && kept_.size() < ((flags_ & large) != 0 ? 9U : 2U)) return;
    left_ = body_size_ = number(std::string_view(kept_).substr(1));
    kept_.clear();
    if (wrong || body_size_ > INT64_MAX) {
        state_ = State::raw;
        emit({.kind = "bytes"});
    } else {
        state_ = State::body;
    }
}

void Decoder::end_frame() {
    state_ = State::head;
    std::string_view rest = kept_;
    const bool open = mechanism_ == "NULL" || mechanism_ == "PLAIN";
    const bool box = !open && kept_.rfind("\7MESSAGE", 0) == 0;  // a message, but encrypted
    if ((flags_ & command) == 0 && !box) {
        frames_.push_back(printable(kept_, body_size_));
        if ((flags_ & more) == 0) emit({.kind = "message", .frames = std::exchange(frames_, {})});
    } else if (const std::string name(take_sized(rest, 1)); is_name(name)) {
        std::string text = printable(rest, body_size_ - name.size() - 1);
        if (name == "READY" && open) text = properties(rest);
        if (name == "ERROR") text = printable(take_sized(rest, 1));
        if (name == "PING" && open)
            text = "TTL " + std::to_string(number(take(rest, 2)) * 100) + " ms";
        if (!open && name != "ERROR") text = "encrypted, " + std::to_string(body_size_) + " bytes";
        emit({.kind = "command", .name = name, .text = text});
    } else {
        emit({.kind = "bytes"});
    }
    kept_.clear();
}

}  // namespace zmtp
