// What a page shows is what the programs print. Run once for each page, named by $PAGE. The Chinese
// pages show the same (tests/notes/pages.cpp).
//
// A section of a page (from one heading to the next) is one session at several terminals. Its
// commands are the blocks of a single line that begins with build/. They are started in their
// order, and each is followed somewhere in the section by its output:
//
//     <!-- printed by build/req-rep/client --count 2 -->
//
// and a block. At the end of that line, `; numbers vary` or `; any order` allow differences. With
// `; as long as it runs`, and of `printed by ./run NAME`, only the set of lines is compared, and
// `...` stands for more of them. A program with a line `interrupted` is ended with Ctrl-C after the
// others have ended. Files that they create are in a folder of the session.
#include "pages.hpp"

#include <csignal>
#include <cstdlib>
#include <deque>
#include <map>

#include "programs.hpp"

namespace {

struct Command {
    std::string line;
    Strings printed{};
    bool shown = false, numbers_vary = false, any_order = false, as_a_set = false;
    bool interrupted() const { return std::count(printed.begin(), printed.end(), "interrupted"); }
};
using Session = std::vector<Command>;

std::map<size_t, Session> sessions_of(const std::string& page) {
    static const std::regex printed_by(
        "<!-- printed by (.*?)(; numbers vary)?(; any order)?(; as long as it runs)? -->");
    std::map<size_t, Session> sessions;
    for (const auto& block : parse(page).blocks) {
        Session& session = sessions[block.section];
        if (block.lines.size() == 1 && block.lines[0].rfind("build/", 0) == 0)
            session.push_back({block.lines[0]});
        std::smatch match;
        if (!std::regex_match(block.comment, match, printed_by)) continue;
        const std::string line = match[1];
        const bool script = line.rfind("./run ", 0) == 0;
        if (script) session.push_back({line});
        const auto command = std::find_if(session.begin(), session.end(), [&](const auto& one) {
            return one.line == line && !one.shown;
        });
        if (command == session.end())
            throw std::runtime_error("no such command in the section: " + line);
        command->printed = block.lines;
        command->shown = true;
        command->numbers_vary = match[2].matched;
        command->any_order = match[3].matched;
        command->as_a_set = script || match[4].matched;
    }
    return sessions;
}

/// The command for a shell, with all endpoints in the folder instead of on ports of this machine.
/// The script runs on the programs of this build, without cmake.
std::string in_folder(const Folder& folder, const std::string& line) {
    const std::string there = "cd " + folder.path("") + " && ";
    if (line.rfind("./run ", 0) == 0)
        return there + "cmake() { :; } && export -f cmake && set -o pipefail && " + line +
               " | grep '|'";
    std::string defaults;
    for (const auto& program : programs()) {
        if ((line + " ").rfind("build/" + program.path + " ", 0) != 0) continue;
        for (const auto& [option, type, ports] : program.endpoints)
            for (const int port : ports)
                if (line.find("--" + option + " ") == line.npos)
                    defaults += " --" + option + " tcp://127.0.0.1:" + std::to_string(port);
    }
    static const std::regex tcp("tcp://127\\.0\\.0\\.1:(\\d+)");
    return there + "exec " + std::regex_replace(line + defaults, tcp, folder.endpoint("$1")) +
           " 2>&1";
}

Strings comparable(Strings lines, const Command& command) {
    static const std::regex digits("\\b\\d+\\b"), summary("\\d+ (of \\d+ )?[a-z]+");
    static const std::regex run("/zmq-run\\.\\w+"), folder("ipc:///tmp/zmq-examples-\\w+/");
    for (auto& line : lines) {
        line = std::regex_replace(line, run, "/zmq-run");
        line = std::regex_replace(line, folder, "tcp://127.0.0.1:");
        // The summary of a program that ends by itself does not vary.
        if (command.numbers_vary && (command.as_a_set || !std::regex_match(line, summary)))
            line = std::regex_replace(line, digits, "N");
    }
    if (command.any_order || command.as_a_set) std::sort(lines.begin(), lines.end());
    if (command.as_a_set) {
        lines.erase(std::remove(lines.begin(), lines.end(), "..."), lines.end());
        lines.erase(std::unique(lines.begin(), lines.end()), lines.end());
    }
    return lines;
}

void run(const Session& session) {
    const Folder folder;
    std::filesystem::create_directory_symlink(BINARY_DIR, folder.path("build"));
    std::filesystem::copy(SOURCE_DIR "/run", folder.path("run"));
    std::deque<Process> processes;
    for (const auto& command : session) {
        INFO(command.line);
        REQUIRE(command.shown);
        processes.emplace_back("/usr/bin/env",
                               Lines{"bash", "-c", in_folder(folder, command.line)});
        // As a person waits before the next command.
        if (command.line.rfind("build/", 0) != 0) continue;
        for (const auto& line : command.printed)
            if (line.rfind("listening on", 0) == 0) processes.back().wait_for("listening on");
        if (command.as_a_set && command.printed.at(0).rfind("listening on", 0) != 0)
            processes.back().wait_for(command.printed[0]);
    }
    for (const bool interrupt : {false, true})
        for (size_t i = 0; i < session.size(); ++i) {
            const Command& command = session[i];
            if (command.interrupted() != interrupt) continue;
            INFO(command.line);
            if (interrupt) processes[i].signal(SIGINT);
            const int status = processes[i].wait();
            if (command.line.rfind("./run ", 0) == 0) CHECK(status == 0);
            CHECK(comparable(processes[i].lines(), command) ==
                  comparable(command.printed, command));
        }
}

}  // namespace

TEST_CASE("a page shows what its programs print", "[pages]") {
    const char* const page = std::getenv("PAGE");
    REQUIRE(page != nullptr);
    size_t commands = 0;
    for (const auto& [section, session] : sessions_of(source(page))) {
        run(session);
        commands += session.size();
    }
    CHECK(commands > 0);
}
