# Draws PICTURES/*.svg from the medians in RESULTS/plot-*.tsv, which bench has written:
#   gnuplot -e "results='build/bench'; pictures='docs/performance'" tests/bench/plots.gp
set datafile separator "\t"
set style data linespoints
set grid
set key below maxrows 2
set xlabel offset 0,0.4  # away from the key, which has one row below the first plot and two below the second
set bmargin 4.2
set format y '%.1s%c'
file(name) = results . '/plot-' . name . '.tsv'
picture(name) = pictures . '/' . name . '.svg'
set terminal svg noenhanced size 640,440 background '#ffffff'
set logscale x

set output picture('costs')
set xlabel 'bytes in a message'
set format x '%.0s%c'
set logscale y
set ylabel 'messages a second, one way'
plot for [i=2:4] file('costs') using 1:i title columnheader(i) pt 7 lw 2

set output picture('proxies')
unset logscale y
set bmargin 5.2
set yrange [0:*]
set xlabel 'clients, 400 requests in flight'
set xtics (1, 8, 64)
set ylabel 'requests a second through a proxy'
plot for [i=2:5] file('proxies') using 1:i title columnheader(i) pt 7 lw 2
