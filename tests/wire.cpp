// The wire made visible: the decoder of ZMTP, the reader of strace's logs, the recordings of the
// patterns and their drawings, and runs that are traced now.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "pages.hpp"
#include "recording.hpp"

using namespace std::string_literals;

namespace {

std::string in_brackets(const Strings& frames) {
    std::string text;
    for (const auto& frame : frames) text += "[" + frame + "]";
    return text;
}

/// The events that a decoder makes of bytes that come `step` at a time.
Strings decoded(const std::string& bytes, size_t step = 1000) {
    zmtp::Decoder decoder;
    Strings all;
    for (size_t at = 0; at < bytes.size(); at += step)
        for (const auto& event : decoder.feed(bytes.substr(at, step)))
            all.push_back(event.kind + " " + event.version + event.mechanism + event.name + " " +
                          event.text + in_brackets(event.frames) + " " +
                          std::to_string(event.size));
    if (decoder.unfinished() > 0)
        all.push_back("unfinished " + std::to_string(decoder.unfinished()));
    return all;
}

/// The events that follow the greeting.
Strings after_greeting(const std::string& bytes, size_t step = 1000) {
    Strings all = decoded(zmtp::greeting() + bytes, step);
    REQUIRE(all.at(0) == "greeting 3.1NULL  64");
    all.erase(all.begin());
    return all;
}

std::string command(const std::string& body) { return zmtp::frame(body, zmtp::command); }

const std::string hello = zmtp::frame("", zmtp::more) + zmtp::frame("Hello");
const std::string connected = zmtp::greeting() + command(zmtp::ready("REQ"));

}  // namespace

TEST_CASE("wire: commands and messages are decoded, wherever they are split", "[wire]") {
    const std::vector<std::pair<std::string, std::string>> events = {
        {command(zmtp::ready("REQ")), "command READY Socket-Type REQ 27"},
        {command("\5READY\1a\0\0\0\2\1b\1c\0\0\0\0"s), "command READY a \\x01b 22"},
        {command("\x09SUBSCRIBEsub1"), "command SUBSCRIBE sub1 16"},
        {command("\6CANCEL"), "command CANCEL  9"},
        {command("\4PING\0\x0a..."s), "command PING TTL 1000 ms 12"},
        {command("\4PONGabc"), "command PONG abc 10"},
        {command("\5ERROR\3why"), "command ERROR why 12"},
        {command("\5OTHER\xff"), "command OTHER \\xff 9"},
        {hello, "message  [][Hello] 9"},
        {zmtp::frame(std::string(300, 'x')),
         "message  [" + std::string(40, 'x') + "... (300 bytes)] 309"},
        {hello.substr(0, 4), "unfinished 4"}};
    for (const auto& [bytes, event] : events)
        for (size_t step = 1; step <= 100; ++step)
            CHECK(after_greeting(bytes, step) == Strings{event});
}

TEST_CASE("wire: whatever is encrypted or not ZMTP 3 is shown by its size", "[wire]") {
    CHECK(decoded(zmtp::greeting("CURVE") + command("\5HELLO" + std::string(194, 'k')) +
                  command("\5READY" + std::string(40, 'k')) +
                  zmtp::frame("\7MESSAGE" + std::string(300, 'k')) + command("\5ERROR\3why")) ==
          Strings{"greeting 3.1CURVE  64", "command HELLO encrypted, 200 bytes 202",
                  "command READY encrypted, 46 bytes 48",
                  "command MESSAGE encrypted, 308 bytes 317", "command ERROR why 12"});
    CHECK(decoded("GET / HTTP/1.1") == Strings{"bytes   1", "bytes   13"});
    const std::string signature = zmtp::greeting().substr(0, 10);
    CHECK(decoded(signature + "\1\5\0\0"s) == Strings{"greeting 2.0  11", "bytes   3"});
    CHECK(decoded(signature + "\0\1\0"s) == Strings{"greeting 1.0  11", "bytes   2"});
    CHECK(decoded(std::string(64, '\xff')) == Strings{"bytes   64"});       // no mechanism
    CHECK(after_greeting("\x08\0"s) == Strings{"bytes   1", "bytes   1"});  // a reserved flag
    CHECK(after_greeting("\5\0"s) == Strings{"bytes   1", "bytes   1"});    // a command with MORE
    CHECK(after_greeting("\2"s.append(9, '\xff')) == Strings{"bytes   9", "bytes   1"});
    // A command without a name, which does not hide what follows.
    CHECK(after_greeting(command("\xff?") + hello) == Strings{"bytes   4", "message  [][Hello] 9"});
}

// Logs of strace ----------------------------------------------------------------------------------

namespace {

/// A line of a log: a call at so many microseconds that took ten.
std::string call(int us, const std::string& name, const std::string& file,
                 const std::string& data) {
    const auto format = [](const char* pattern, int value) {
        char text[32];
        std::snprintf(text, sizeof text, pattern, value);
        return std::string(text);
    };
    std::string hex;
    for (const char c : data) hex += format("\\x%02x", static_cast<unsigned char>(c));
    return format("1795823891.%06d ", us) + name + "(" + file + ", \"" + hex +
           "\", 99) = " + std::to_string(data.size()) + " <0.000010>\n";
}

}  // namespace

TEST_CASE("wire: a message has arrived when its last byte has", "[wire]") {
    const std::string here = "5<TCP:[127.0.0.1:5555->127.0.0.1:40000]>",
                      there = "6<TCP:[127.0.0.1:40000->127.0.0.1:5555]>", pipe = "1<pipe:[1]>";
    const std::string server =
        "1795823891.000001 accept4(4<TCP:[127.0.0.1:5555]>, NULL, NULL, 0) = " + here +
        " <0.000010>\n" + call(300, "recvfrom", here, connected + hello.substr(0, 5)) +
        call(500, "recvfrom", here, hello.substr(5)) + call(600, "write", pipe, "received ") +
        call(700, "write", pipe, "Hello\nand");
    const std::string client = call(100, "sendto", there, connected) +
                               call(200, "sendto", there, hello) +
                               call(900, "sendto", there, hello);
    const Recording recording =
        read_traces({{{"server", ""}, {server}}, {{"client", ""}, {client}}}, {}, {});
    REQUIRE(recording.connections.size() == 1);
    CHECK(recording.connections[0].from == "client");
    REQUIRE(recording.events.size() == 5);
    const Event &message = recording.events[2], &line = recording.events[3];
    CHECK(message.frames == Strings{"", "Hello"});
    CHECK(std::lround(message.ms * 1000) == 100);
    CHECK(std::lround(*message.arrived * 1000) == 410);
    CHECK(line.text == "received Hello");
    CHECK(std::lround(line.ms * 1000) == 600);
    CHECK_FALSE(recording.events[4].arrived);  // sent, but never received
    CHECK_FALSE(is_ready(recording, 0));       // the server has said nothing
    CHECK(draw_text(recording, false, false).find("never") != std::string::npos);
    CHECK(draw_svg(recording, false).find("Red arrow") != std::string::npos);
}

// Recordings --------------------------------------------------------------------------------------

namespace {

bool is_routing_id(const std::string& frame) {
    return frame.rfind("\\x00", 0) == 0 && frame.size() > 4;
}

/// Whether a line has all frames of a message. An encrypted message that is not empty may be any.
bool tells_of(const std::string& line, const Event& message) {
    bool any = message.name == "MESSAGE" && message.size > 35;
    for (const auto& frame : message.frames) {
        if (frame.empty() || is_routing_id(frame)) continue;
        if (line.find(frame) == line.npos) return false;
        any = true;
    }
    return any;
}

/// The lines about a message that had not arrived.
Strings early_lines(const Recording& recording) {
    static const std::regex receives("(.* )?(received|answers|request|reply|result|task) .*");
    const auto& events = recording.events;
    std::set<const Event*> told;
    Strings early;
    for (const Event& line : events) {
        if (line.kind != "line" || line.stream == "err" || line.who.find("sender") == 0 ||
            !std::regex_match(line.text, receives))
            continue;
        const auto message = std::find_if(events.begin(), events.end(), [&](const Event& event) {
            return event.receiver == line.who && event.arrived.value_or(1e9) <= line.ms &&
                   tells_of(line.text, event) && told.count(&event) == 0;
        });
        if (message == events.end())
            early.push_back(line.who + ": " + line.text);
        else
            told.insert(&*message);
    }
    return early;
}

/// What is the same in another run: commands and messages of each direction of each connection, in
/// their order, and the lines of each program that ends by itself. Made-up routing IDs are
/// numbered, connections and lines sorted. Ctrl-C may come before the last line of the others.
Strings conversation(const Recording& recording) {
    Strings all;
    std::map<std::pair<size_t, std::string>, std::string> ways;
    std::map<std::string, size_t> ids;
    std::set<std::string> interrupted;
    for (const auto& event : recording.events)
        if (event.kind == "signal") interrupted.insert(event.who);
    for (const auto& event : recording.events) {
        if (event.kind == "signal") break;
        if (interrupted.count(event.who) == 1) continue;
        if (!event.who.empty()) {
            all.push_back(event.who + " " + event.stream + ": " + event.text);
            continue;
        }
        std::string& way = ways[{event.connection, event.sender}];
        if (way.empty())
            way = recording.connections[event.connection].endpoint + " " + event.sender + " to " +
                  event.receiver;
        way += "; " + event.name + " " + event.text;
        for (const auto& frame : event.frames)
            way += is_routing_id(frame)
                       ? "[ID " + std::to_string(ids.emplace(frame, ids.size()).first->second) + "]"
                       : "[" + frame + "]";
    }
    for (const auto& [key, way] : ways) all.push_back(way);
    std::sort(all.begin(), all.end());
    return all;
}

Recording recorded(const std::string& pattern) {
    return from_json(source("docs/wire/" + pattern + ".json"));
}

/// The recordings of all patterns that have a wire, by pattern.
std::map<std::string, Recording> recordings() {
    static const std::regex pattern("\npattern\\((\\S+) ");
    std::map<std::string, Recording> all;
    for (const auto& name : matches(source("CMakeLists.txt"), pattern))
        if (name != "mt-ready") all[name] = recorded(name);  // inproc
    REQUIRE(!all.empty());
    return all;
}

}  // namespace

TEST_CASE("wire: each recording has its drawing, and no line precedes its message", "[wire]") {
    for (const auto& [pattern, recording] : recordings()) {
        INFO(pattern);  // The second parentheses keep a failure from printing whole files.
        CHECK((to_json(recording) == source("docs/wire/" + pattern + ".json")));
        CHECK((draw_svg(recording, false) == source("docs/" + pattern + "-wire.svg")));
        CHECK(early_lines(recording) == Strings{});
    }
    CHECK((draw_svg(recorded("req-rep"), true) == source("docs/wire-handshake.svg")));
    Recording late = recorded("req-rep");
    for (auto& event : late.events)
        if (event.kind == "message") *event.arrived += 1000;
    CHECK(early_lines(late).size() == 4);
}

TEST_CASE("wire: a drawing has every line and every frame", "[wire]") {
    for (const auto& one : recordings()) {
        INFO(one.first);
        Recording changed = one.second;
        const std::string svg = draw_svg(changed, false), text = draw_text(changed, false, false);
        const auto check_drawn = [&](std::string& shown) {
            shown += "x";
            CHECK((draw_svg(changed, false) != svg));
            CHECK((draw_text(changed, false, false) != text));
            shown.pop_back();
        };
        for (Event& event : changed.events) {
            if (!event.who.empty()) check_drawn(event.text);
            for (std::string& frame : event.frames) check_drawn(frame);
        }
    }
}

TEST_CASE("wire: no text of a drawing overlaps another or is cut off", "[wire]") {
    static const std::regex box("<rect class='[a-z]+' x='([^']*)' y='([^']*)' width='([^']*)'"),
        size("<svg [^>]*width='([^']*)'");
    for (const auto& [pattern, recording] : recordings())
        for (const bool handshake : {false, true}) {
            INFO(pattern);
            const std::string svg = draw_svg(recording, handshake);
            std::smatch match;
            REQUIRE(std::regex_search(svg, match, size));
            const double times = std::stod(match[1]) - 75;  // they are in the last 75 pixels
            std::map<std::string, double> ends;             // of the boxes so far, by y
            for (std::sregex_iterator at(svg.begin(), svg.end(), box), end; at != end; ++at) {
                const double x = std::stod((*at)[1]), right = x + std::stod((*at)[3]);
                CHECK(x >= ends[(*at)[2]] - 0.11);
                CHECK(right <= times);
                ends[(*at)[2]] = right;
            }
        }
}

TEST_CASE("wire: the recordings show what their captions say", "[wire]") {
    const auto messages = [](const std::string& pattern, const std::string& receiver) {
        Strings all;
        for (const auto& event : recorded(pattern).events)
            if (event.kind == "message" && event.receiver == receiver)
                all.push_back(in_brackets(event.frames));
        return all;
    };
    CHECK(messages("req-rep", "server") == Strings{"[][Hello]", "[][Hello]"});
    CHECK(messages("pub-sub", "sub1") == Strings{"[sub1: news 2]"});
    CHECK(messages("pub-sub-envelope", "subscriber").at(0).rfind("[B][", 0) == 0);
    CHECK(messages("push-pull", "worker1") == Strings{"[1]", "[3]"});
    CHECK(recorded("retry-req-rep").events.at(0).stream == "err");
    // Both requests have arrived before the first reply leaves.
    const auto events = recorded("mt-req-rep").events;
    const auto reply = std::find_if(events.begin(), events.end(), [](const Event& event) {
        return event.frames == Strings{"", "World"};
    });
    const auto arrived = std::count_if(events.begin(), reply, [&](const Event& event) {
        return event.frames == Strings{"", "Hello"} && event.arrived.value_or(1e9) < reply->ms;
    });
    CHECK(arrived == 2);
}

// Runs that are traced now ------------------------------------------------------------------------

#if defined(__linux__)
namespace {

/// Whether strace is there and may trace.
bool can_trace() {
    Process probe("/bin/sh", {"-c", "strace -f -o /dev/null true"});
    const bool can = probe.wait() == 0;
    if (!can) std::puts("wire: skipped: strace is missing, or is not allowed to trace");
    return can;
}

/// ./run trace. LeakSanitizer does not work in a process that is traced, and ThreadSanitizer then
/// reports races inside libzmq that it does not report otherwise.
struct Trace : Shell {
    explicit Trace(const std::string& arguments)
        : Shell("cd '" SOURCE_DIR
                "' && export BUILT=\"$built\" ASAN_OPTIONS=detect_leaks=0"
                " TSAN_OPTIONS=report_bugs=0:atexit_sleep_ms=0; exec ./run trace " +
                arguments) {}
};

Recording traced(const std::string& arguments) {
    const Folder folder;
    const std::string path = folder.path("recording.json");
    const size_t end = std::min(arguments.find("--"), arguments.size());  // behind a pattern
    Trace run(arguments.substr(0, end) + " --json " + path + " " + arguments.substr(end));
    const int status = run.wait();
    INFO(run.output() << run.errors());
    REQUIRE(status == 0);
    return from_json(read_file(path));
}

}  // namespace

// TRACES=20 traces every pattern 20 times. Otherwise not those whose next message comes by a clock,
// which does not wait for a slow machine.
TEST_CASE("wire: each pattern, traced now, is as it was recorded, also when its port is taken",
          "[wire]") {
    if (!can_trace()) return;
    // If it cannot bind, another program holds the port already.
    Process holder("/bin/sh", {"-c", BINARY_DIR "/req-rep/server; echo taken"});
    holder.wait_for("");
    const char* times = std::getenv("TRACES");
    const std::set<std::string> by_clock{"pub-sub", "pub-sub-envelope", "retry-req-rep"};
    for (const auto& [pattern, recording] : recordings()) {
        if (times == nullptr && by_clock.count(pattern) == 1) continue;
        for (int n = times == nullptr ? 1 : std::atoi(times); n > 0; --n) {
            INFO(pattern << ", " << n << " to go");
            const Recording now = traced(pattern);
            CHECK(early_lines(now) == Strings{});
            CHECK(conversation(now) == conversation(recording));
        }
    }
}

TEST_CASE("wire: any programs can be traced, and a fault is named", "[wire]") {
    if (!can_trace()) return;
    const Folder folder;
    const std::string server = "-- " BINARY_DIR "/req-rep/server --bind " + folder.endpoint("a"),
                      client = " -- " BINARY_DIR "/req-rep/client --count 1 --connect ";
    const Recording over_ipc = traced(server + client + folder.endpoint("a"));
    REQUIRE(over_ipc.connections.size() == 1);
    CHECK(over_ipc.connections[0].from == "client");
    CHECK(over_ipc.connections[0].to == "server");
    CHECK(over_ipc.connections[0].endpoint == folder.endpoint("a"));
    Process other("req-rep/server", {"--bind", any_port});
    const Recording alone = traced(client + other.endpoint());
    CHECK(alone.programs.back().name == "not traced");
    for (const auto& [arguments, error] :
         {std::pair{server + " -- " BINARY_DIR "/req-rep/client --nonsense",
                    "client: exit status 2"},
          {"-- /nowhere/program", "/nowhere/program"},
          {"mt-ready", "inproc"}}) {
        Trace failing(arguments);
        CHECK(failing.wait() == 1);
        CHECK(failing.errors().find(error) != std::string::npos);
    }
}

TEST_CASE("wire: a program starts after a line, and after the end of a program", "[wire]") {
    if (!can_trace()) return;
    for (const std::string cue : {"two", "a"}) {
        Strings lines;
        for (const auto& event : traced("--names 'a b' --after 'b " + cue +
                                        "' -- /bin/sh -c 'echo one; sleep 0.2; echo two' "
                                        "-- /bin/echo three")
                                     .events)
            lines.push_back(event.text);
        CHECK(lines == Strings{"one", "two", "three"});
    }
}
#endif
