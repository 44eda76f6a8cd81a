// Measures every pattern beside its baseline, a bare loop of libzmq calls that does the same work
// (raw.cpp), and what messages cost by size and transport.
//
// Usage: bench [--quick] [--write] [--only GROUP]
//   --quick  runs a part of it once, with few messages, and checks only the counts
//   --write  puts tables and plots into docs/performance.md and docs/performance/
//
// Both sides are processes that are started alike and use the same transport. They alternate, A B A
// B ..., several times for one value of each, and that five times. The values of A and B give a
// ratio; the table shows the median of the five, the smallest and the largest. The time is what the
// programs' own summaries say (--quiet), from the first message to the last. The exit status says
// whether all counts were right, not how fast it was.
#include <getopt.h>
#include <sys/utsname.h>
#include <zmq.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <list>
#include <map>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "process.hpp"

namespace {

int wrong_counts = 0;

void wrong(const std::string& what) {
    std::fprintf(stderr, "bench: WRONG: %s\n", what.c_str());
    ++wrong_counts;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values.empty() ? 0 : values[values.size() / 2];
}

Lines split(const std::string& text) {
    std::istringstream stream(text);
    Lines words;
    for (std::string word; stream >> word;) words.push_back(word);
    return words;
}

Lines operator+(Lines a, const Lines& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

Lines times(int n, const std::string& line) { return Lines(static_cast<size_t>(n), line); }

std::string format(const char* how, double value) {
    char text[64];
    std::snprintf(text, sizeof text, how, value);
    return text;
}

/// Three digits are all that a measure is worth: 1.23 M, 45.6 k, 789, 3.21.
std::string rounded(double value) {
    const char* unit = value >= 999.5e3 ? " M" : value >= 999.5 ? " k" : "";
    const double shown = value >= 999.5e3 ? value / 1e6 : value >= 999.5 ? value / 1e3 : value;
    return format(shown >= 99.95 ? "%.0f" : shown >= 9.995 ? "%.1f" : "%.2f", shown) + unit;
}

// Running processes
// ---------------------------------------------------------------------------------

/// Processes, started one after the other. A line is HOW PROGRAM ARGUMENT...:
///   HOW is 0, 1 or 2: the program prints that many endpoints, and the next one starts after that;
///   then =: its summary counts; or -: it ends on its own; or nothing: it is killed at the end
/// In the arguments, * is any port, and @0, @1 ... are the endpoints in the order they were
/// printed.
class Processes {
 public:
    void start(const std::string& line) {
        Lines words = split(line);
        const std::string how = words[0], program = words[1];
        words.erase(words.begin(), words.begin() + 2);
        for (auto& word : words) {
            if (word == "*")
                word = any_port;
            else if (word[0] == '@')
                word = endpoints_.at(static_cast<size_t>(std::stoi(word.substr(1))));
        }
        Process& process = all_.emplace_back(program, words);
        for (int n = how[0] - '0'; n > 0; --n) endpoints_.push_back(process.endpoint());
        if (how.size() > 1) ending_.emplace_back(&process, how[1] == '=');
    }
    /// Waits for those that end. Returns the sum of the rates that count, each of `expected`
    /// messages.
    double wait(std::int64_t expected) {
        double sum = 0;
        for (const auto& [process, counts] : ending_) {
            if (process->wait() != 0) wrong("exit status, after: " + process->output());
            if (!counts) continue;
            static const std::regex summary("(\\d+) .* in ([0-9.]+) s, \\d+/s");
            std::smatch match;
            const std::string line = process->last_line();
            if (!std::regex_match(line, match, summary) || std::stoll(match[1]) != expected)
                wrong(std::to_string(expected) + " expected: " + line);
            else
                sum += static_cast<double>(expected) / std::max(std::stod(match[2]), 1e-6);
        }
        return sum;
    }

 private:
    std::list<Process> all_;
    std::vector<std::pair<Process*, bool>> ending_;
    Lines endpoints_;
};

// What is measured
// ---------------------------------------------------------------------------------

struct Side {
    std::string name;
    std::function<double()> run;   // messages a second
    std::vector<double> values{};  // one a turn
};

/// Ratio of side `a` to side `b` times `factor`, and its target.
struct Compared {
    size_t a = 0, b = 0;
    double at_least = 0;  // 0: no target
    double factor = 1;
};

struct Row {
    std::string group, what, unit;
    std::vector<Side> sides;
    std::vector<Compared> compared;
    bool smoke = false;  // measured with --quick, too
    double x = 0;        // where in the plot of its group, if it has one
};

struct Ratio {
    double low, middle, high;
};

bool quick = false;
int turns = 5, rounds = 4;

/// Takes a value of each side: the mean of several runs, in which the sides alternate.
void take_turn(Row& row) {
    std::vector<double> sums(row.sides.size());
    for (int n = 0; n < rounds; ++n)
        for (size_t i = 0; i < row.sides.size(); ++i) sums[i] += row.sides[i].run();
    for (size_t i = 0; i < row.sides.size(); ++i) row.sides[i].values.push_back(sums[i] / rounds);
}

Ratio ratio_of(const Row& row, const Compared& compared) {
    const auto &a = row.sides[compared.a], &b = row.sides[compared.b];
    std::vector<double> values;
    for (size_t n = 0; n < a.values.size(); ++n)
        values.push_back(a.values[n] / (b.values[n] * compared.factor));
    std::sort(values.begin(), values.end());
    return {values.front(), values[values.size() / 2], values.back()};
}

/// How many messages: enough for some tenths of a second.
int many(int n) { return quick ? std::max(20, n / 200) : n; }

const std::string raw = "tests/bench-raw ";

/// `each` is how many messages each process that counts counts.
Side side(std::string name, Lines lines, int each) {
    return {std::move(name), [lines = std::move(lines), each] {
                Processes processes;
                for (const auto& line : lines) processes.start(line);
                return processes.wait(each);
            }};
}

/// A program and its baseline, which it should equal but for 5%.
Row beside(const std::string& group, const std::string& what, const std::string& unit,
           const Lines& program, const Lines& baseline, int each, bool smoke) {
    return {.group = group,
            .what = what,
            .unit = unit,
            .sides = {side("program", program, each), side("baseline", baseline, each)},
            .compared = {{.a = 0, .b = 1, .at_least = 0.95}},
            .smoke = smoke};
}

std::string s(int number) { return " " + std::to_string(number); }

std::string several(int n, const std::string& what) {
    return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

void round_trips(std::vector<Row>& all) {
    const int n = many(6000);
    const std::string hello = "0= " + raw + "req @0" + s(n);
    const auto server = [](const std::string& role) { return "1 " + raw + role + " *"; };
    const Lines baseline{server("rep"), hello};
    all.push_back(beside("req-rep", "one client", "round trips",
                         {"1 req-rep/server --quiet --bind *",
                          "0= req-rep/client --quiet --connect @0 --count" + s(n)},
                         baseline, n, true));
    all.back().sides.push_back(
        side("bare TCP", {"1 " + raw + "tcp-server", "0= " + raw + "tcp-client @0" + s(n)}, n));
    all.back().compared.push_back({.a = 1, .b = 2});
    all.push_back(
        beside("retry-req-rep", "one client", "round trips",
               {server("rep"), "0= retry-req-rep/client --quiet --connect @0 --count" + s(n)},
               {server("rep"), hello + " 1000"}, n, true));
    all.push_back(beside("interrupt", "one client", "round trips",
                         {"1 interrupt/server --quiet --bind *", hello},
                         {server("rep-and-pipe"), hello}, n, true));
}

/// The rate is that of the sinker, from the first result to the last.
void pipelines(std::vector<Row>& all) {
    const int n = many(1000000);
    for (const int workers : {1, 2, 4, 8}) {
        const std::string sender = " --quiet --bind * --count" + s(n) + " --workers" + s(workers);
        const auto add = [&](const std::string& pattern, const Lines& program,
                             const Lines& baseline) {
            all.push_back(beside(pattern, several(workers, "worker"), "tasks", program, baseline, n,
                                 workers == 2));
        };
        add("push-pull",
            Lines{"1= push-pull/sinker --quiet --bind * --count" + s(n),
                  "1- push-pull/sender" + sender} +
                times(workers, "0 push-pull/worker --quiet --connect @1 --sink @0"),
            Lines{"1= " + raw + "sinker *" + s(n), "1- " + raw + "sender *" + s(n) + s(workers)} +
                times(workers, "0 " + raw + "worker @1 @0"));
        add("push-pull2",
            Lines{"2= push-pull2/sinker --quiet --bind * --control * --count" + s(n),
                  "1- push-pull2/sender" + sender} +
                times(workers, "0- push-pull2/worker --quiet --connect @2 --sink @0 --control @1"),
            Lines{"2= " + raw + "sinker2 * *" + s(n),
                  "1- " + raw + "sender *" + s(n) + s(workers) + " a"} +
                times(workers, "0- " + raw + "worker2 @2 @0 @1"));
    }
}

/// The rate is the sum of the subscribers' rates.
void publishing(std::vector<Row>& all) {
    for (const int subscribers : {1, 5, 10, 20}) {
        const auto deliver = [&](const std::string& publisher, const std::string& subscriber) {
            return Lines{publisher} + times(subscribers, subscriber);
        };
        const auto add = [&](const std::string& group, const Lines& program, const Lines& baseline,
                             int n) {
            all.push_back(beside(group, several(subscribers, "subscriber"), "deliveries", program,
                                 baseline, n, subscribers == 5));
        };
        const int n = many(800000 / (subscribers + 1)), updates = many(2000000 / (subscribers + 2));
        add("pub-sub",
            deliver("1 pub-sub/publisher --quiet --bind * --to sub1 --interval 0",
                    "0= pub-sub/subscriber --quiet --connect @0 --count" + s(n)),
            deliver("1 " + raw + "pub *", "0= " + raw + "sub @0" + s(n) + " sub1"), n);
        add("sync-pub-sub",
            deliver("2- sync-pub-sub/publisher --quiet --bind * --sync * --subscribers" +
                        s(subscribers) + " --count" + s(updates),
                    "0= sync-pub-sub/subscriber --quiet --connect @0 --sync @1"),
            deliver("2- " + raw + "publish * *" + s(subscribers) + s(updates),
                    "0= " + raw + "updates @0 @1"),
            updates);
    }
    const int n = many(400000);
    all.push_back(
        beside("pub-sub-envelope", "1 subscriber", "deliveries",
               {"1 pub-sub-envelope/publisher --quiet --bind * --interval 0",
                "0= pub-sub-envelope/subscriber --quiet --connect @0 --key= --count" + s(n)},
               {"1 " + raw + "pub-envelope *", "0= " + raw + "sub @0" + s(n)}, n, true));
}

/// Under a load that keeps many requests in flight; the rate is that of the replies.
void proxies(std::vector<Row>& all) {
    for (const int clients : {1, 8, 64}) {
        const int n = many(200000);
        const auto loaded = [&](const std::string& name, const std::string& proxy) {
            return side(name,
                        {"2 " + proxy, "0 " + raw + "echo @1",
                         "0= " + raw + "flood @0" + s(clients) + s(n)},
                        n);
        };
        const std::string options = " --quiet --frontend * --backend *";
        all.push_back({.group = "ex-req-rep",
                       .what = several(clients, "client") + ", 400 in flight",
                       .unit = "requests",
                       .sides = {loaded("program's own loop", "ex-req-rep/proxy" + options),
                                 loaded("ex-req-rep2 (zmq_proxy)", "ex-req-rep2/proxy" + options),
                                 loaded("one message a poll", raw + "one-by-one * *"),
                                 loaded("baseline", raw + "bare-proxy * *")},
                       .compared = {{.a = 0, .b = 1, .at_least = 0.95},
                                    {.a = 0, .b = 2, .at_least = 1.6},
                                    {.a = 1, .b = 3, .at_least = 0.95}},
                       .smoke = clients == 8,
                       .x = static_cast<double>(clients)});
    }
}

void threads(std::vector<Row>& all) {
    Row linear{.group = "mt-req-rep",
               .what = "1 ms of work for each request",
               .unit = "replies",
               .sides = {},
               .compared = {},
               .smoke = true};
    for (const int threads : {1, 2, 4, 8, 16}) {
        const std::string server =
            "1 mt-req-rep/server --quiet --bind * --workers" + s(threads) + " --work";
        const auto client = [](int clients, int n) {
            return "0= mt-req-rep/client --quiet --connect @0 --clients" + s(clients) + " --count" +
                   s(n);
        };
        // More clients than threads: each thread has a request waiting when it is done.
        const int twice = 2 * threads, few = many(150), n = many(1200);
        linear.sides.push_back(
            side(several(threads, "thread"), {server + " 1", client(twice, few)}, twice * few));
        if (threads > 1)
            linear.compared.push_back({.a = linear.sides.size() - 1,
                                       .b = 0,
                                       .at_least = 0.95,
                                       .factor = static_cast<double>(threads)});
        all.push_back(
            beside("mt-req-rep", several(threads, "thread") + ", no work", "replies",
                   {server + " 0", client(8, n)},
                   {"1 " + raw + "mt-server *" + s(threads), "0= " + raw + "mt-client @0 8" + s(n)},
                   8 * n, threads == 2));
    }
    all.push_back(std::move(linear));
    all.push_back(beside("mt-ready", "400 steps", "steps",
                         {"0= mt-ready/steps --quiet --steps 400"}, {"0= " + raw + "steps 400"},
                         400, true));
}

/// Messages one way between two threads, by transport and size: in bursts and copied, one message a
/// poll, and not copied.
void costs(std::vector<Row>& all) {
    for (const std::string endpoint : {"inproc://cost", "ipc://*", "tcp://127.0.0.1:*"})
        for (const int size : {10, 1000, 100000, 1000000}) {
            const int n = many(size <= 1000 ? 200000 : size <= 100000 ? 10000 : 1000);
            const auto cost = [&](const char* name, const char* bursts_and_copy) {
                return side(
                    name, {"0= " + raw + "cost " + endpoint + s(size) + s(n) + bursts_and_copy}, n);
            };
            all.push_back({.group = "costs",
                           .what = endpoint.substr(0, endpoint.find(':')),
                           .unit = "messages",
                           .sides = {cost("bursts, copied", " 1 1"), cost("one a poll", " 0 1"),
                                     cost("not copied", " 1 0")},
                           .compared = {{.a = 1, .b = 0}, {.a = 2, .b = 0}},
                           .smoke = size == 1000,
                           .x = static_cast<double>(size)});
        }
}

std::vector<Row> rows() {
    std::vector<Row> all;
    for (const auto add : {costs, round_trips, pipelines, publishing, proxies, threads}) add(all);
    return all;
}

// Tables, files, plots
// ------------------------------------------------------------------------------

std::string shown(const Side& side) {
    return side.name + ": " + rounded(median(side.values)) + "/s";
}

std::string ratio_table(const std::vector<Row>& all) {
    std::string table =
        "| pattern | what | this | beside | ratio, median (min to max) | target |\n"
        "| --- | --- | --- | --- | --- | --- |\n";
    for (const auto& row : all)
        for (const auto& compared : row.compared) {
            if (row.group == "costs") continue;
            const Ratio ratio = ratio_of(row, compared);
            const std::string middle = format("%.2f", ratio.middle);
            table += "| " + row.group + " | " + row.what + ", " + row.unit + " | " +
                     shown(row.sides[compared.a]) + " | " +
                     (compared.factor == 1 ? "" : format("%.0f times ", compared.factor)) +
                     shown(row.sides[compared.b]) + " | " +
                     (ratio.middle >= compared.at_least ? middle : "**" + middle + " misses it**") +
                     format(" (%.2f to ", ratio.low) + format("%.2f) | ", ratio.high) +
                     (compared.at_least == 0 ? "" : format("at least %.2f", compared.at_least)) +
                     " |\n";
        }
    return table;
}

/// Messages a second of each transport and size, and how that changes with the other two sides.
std::string cost_table(const std::vector<Row>& all) {
    std::string table =
        "| transport | message | messages a second | bytes a second | one message a poll | "
        "not copied |\n| --- | --- | --- | --- | --- | --- |\n";
    for (const auto& row : all) {
        if (row.group != "costs") continue;
        const double rate = median(row.sides[0].values);
        table += "| " + row.what + " | " + rounded(row.x) + "B | " + rounded(rate) + " | " +
                 rounded(rate * row.x) + "B |";
        for (const auto& compared : row.compared)
            table += format(" times %.2f |", ratio_of(row, compared).middle);
        table += "\n";
    }
    return table;
}

std::string machine() {
    std::string processor = "unknown processor";
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; std::getline(info, line);)
        if (line.rfind("model name", 0) == 0) processor = line.substr(line.find(':') + 2);
    utsname system{};
    uname(&system);
    double load[3] = {};
    const bool known = getloadavg(load, 3) == 3;
    int major = 0, minor = 0, patch = 0;
    zmq_version(&major, &minor, &patch);
    char day[32];
    const std::time_t now = std::time(nullptr);
    std::strftime(day, sizeof day, "%Y-%m-%d", std::gmtime(&now));
    std::ostringstream text;
    text << "Measured on " << day << ": " << std::thread::hardware_concurrency() << " cores of "
         << processor << ", shared with other work (load "
         << (known ? format("%.1f", load[2]) : "unknown")
         << " over the last 15 minutes, this benchmark included), " << system.sysname << " "
         << system.release << ", libzmq " << major << "." << minor << "." << patch << ", compiler "
         << __VERSION__ << ", Release.\n";
    return text.str();
}

/// For the plots: x, and the median of each side; or of each transport.
void write_plot_data(const std::string& folder, const std::vector<Row>& all) {
    std::filesystem::create_directories(folder);
    std::ofstream proxies(folder + "/plot-proxies.tsv"), costs(folder + "/plot-costs.tsv");
    std::map<double, std::map<std::string, double>> by_size;
    for (const auto& row : all) {
        if (row.group == "costs") by_size[row.x][row.what] = median(row.sides[0].values);
        if (row.group != "ex-req-rep") continue;
        if (proxies.tellp() == 0) {
            proxies << "clients";
            for (const auto& side : row.sides) proxies << '\t' << side.name;
        }
        proxies << '\n' << row.x;
        for (const auto& side : row.sides) proxies << '\t' << median(side.values);
    }
    costs << "size\tinproc\tipc\ttcp\n";
    for (auto& [size, rate] : by_size)
        costs << size << '\t' << rate["inproc"] << '\t' << rate["ipc"] << '\t' << rate["tcp"]
              << '\n';
}

/// Puts `text` between the two marks that the page has for it.
void replace_part(std::string& page, const std::string& name, const std::string& text) {
    const std::string begin = "<!-- begin " + name + " -->\n", end = "<!-- end " + name + " -->";
    const size_t from = page.find(begin), to = page.find(end);
    if (from == std::string::npos || to == std::string::npos)
        throw std::runtime_error("docs/performance.md has no marks for " + name);
    page.replace(from + begin.size(), to - from - begin.size(), "\n" + text + "\n");
}

bool plot(const std::string& results, const std::string& pictures) {
    std::filesystem::create_directories(pictures);
    return std::system(("gnuplot -e \"results='" + results + "'; pictures='" + pictures + "'\" '" +
                        SOURCE_DIR + "/tests/bench/plots.gp'")
                           .c_str()) == 0;
}

}  // namespace

int main(int argc, char** argv) try {
    bool write = false;
    std::string only;
    const option known[] = {{"quick", no_argument, nullptr, 'q'},
                            {"write", no_argument, nullptr, 'w'},
                            {"only", required_argument, nullptr, 'o'},
                            {nullptr, 0, nullptr, 0}};
    for (int c; (c = getopt_long(argc, argv, "", known, nullptr)) != -1;) {
        if (c == '?') return 2;
        if (c == 'q') quick = true;
        if (c == 'w') write = true;
        if (c == 'o') only = optarg;
    }
    if (write && (quick || !only.empty())) {
        std::fprintf(stderr, "bench: --write: give neither --quick nor --only\n");
        return 2;
    }
    if (quick) turns = rounds = 1;
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);

    std::vector<Row> all;
    for (auto& row : rows())
        if ((!quick || row.smoke) && (only.empty() || only == row.group)) all.push_back(row);
    for (size_t i = 0; i < all.size(); ++i) {
        for (int n = 0; n < turns; ++n) take_turn(all[i]);
        std::printf("[%zu/%zu] %s, %s\n", i + 1, all.size(), all[i].group.c_str(),
                    all[i].what.c_str());
    }

    const std::string results = BINARY_DIR "/bench";
    if (!quick) {
        std::printf("\n%s\n%s\n%s", machine().c_str(), cost_table(all).c_str(),
                    ratio_table(all).c_str());
    }
    if (!quick && only.empty()) {
        write_plot_data(results, all);
        const std::string pictures = write ? SOURCE_DIR "/docs/performance" : results;
        if (!plot(results, pictures)) std::printf("no plots: gnuplot is missing or has failed\n");
    }
    if (write) {
        const std::string path = SOURCE_DIR "/docs/performance.md";
        std::string page = read_file(path);
        replace_part(page, "machine", machine());
        replace_part(page, "costs", cost_table(all));
        replace_part(page, "ratios", ratio_table(all));
        std::ofstream(path) << page;
        std::printf("written: %s\n", path.c_str());
    }
    if (wrong_counts > 0) std::fprintf(stderr, "bench: %d counts were wrong\n", wrong_counts);
    return wrong_counts == 0 ? 0 : 1;
} catch (const std::exception& error) {
    std::fprintf(stderr, "bench: %s\n", error.what());
    return 1;
}
