using Bitis.Analysis.Search;

namespace Bitis.Tests.Analysis.Search;

/// <summary>The front of combined choices, against all combinations.</summary>
public sealed class ParetoFrontTests
{
    [Theory]
    [InlineData(1, 4, 5)]
    [InlineData(2, 5, 4)]
    [InlineData(3, 6, 3)]
    [InlineData(4, 1, 6)]
    public void It_is_the_front_of_all_combinations(int seed, int blocks, int options)
    {
        PartOption[][] table = Table(seed, blocks, options);
        (double Cost, double Loss)[] all = [.. Combinations(table)];
        IReadOnlyList<FrontPoint> front = ParetoFront.Of(table);
        Assert.All(front, point => Assert.Equal(
            (point.Cost, point.Loss), Sum(table, point.Choices)));
        (double Cost, double Loss)[] expected =
        [
            .. all.Where(one => !all.Any(other =>
                other != one && other.Cost <= one.Cost && other.Loss <= one.Loss)).Distinct().Order(),
        ];
        Assert.Equal(expected, front.Select(point => (point.Cost, point.Loss)));
    }

    /// <summary>Equal costs and losses do not multiply.</summary>
    [Fact]
    public void Equal_options_give_one_point()
    {
        PartOption[] same = [new(1, 1), new(1, 1), new(1, 2)];
        Assert.Equal([new(3, 3)], ParetoFront.Of([same, same, same]).Select(point => (point.Cost, point.Loss)));
    }

    /// <summary>A thinned front lies close to the exact one, and has its ends.</summary>
    [Fact]
    public void A_thinned_front_is_close()
    {
        var random = new Random(5);
        PartOption[][] table =
            [.. Enumerable.Range(0, 7).Select(_ => Enumerable.Range(0, 5).Select(_ => Traded()).ToArray())];
        IReadOnlyList<FrontPoint> exact = ParetoFront.Of(table), thinned = ParetoFront.Of(table, most: 200);
        Assert.True(exact.Count > 250);
        Assert.InRange(thinned.Count, 100, 201);
        Assert.Equal(exact[^1].Loss, thinned[^1].Loss, 9);
        double width = exact[^1].Cost - exact[0].Cost;
        foreach (FrontPoint point in exact)
        {
            Assert.Contains(
                thinned, other => other.Loss <= point.Loss + 1e-12 && other.Cost <= point.Cost + (0.02 * width));
        }

        // The cheaper, the worse: so that many are on the front.
        PartOption Traded()
        {
            double cost = random.NextDouble();
            return new PartOption(cost, 1 - cost + (0.05 * random.NextDouble()));
        }
    }

    private static PartOption[][] Table(int seed, int blocks, int options)
    {
        var random = new Random(seed);
        return
        [
            .. Enumerable.Range(0, blocks).Select(_ => Enumerable.Range(0, options)
                .Select(_ => new PartOption(random.Next(1, 50), random.Next(0, 64) / 8.0)).ToArray()),
        ];
    }

    private static IEnumerable<(double Cost, double Loss)> Combinations(PartOption[][] table)
    {
        IEnumerable<(double Cost, double Loss)> all = [(0, 0)];
        foreach (PartOption[] options in table)
            all = all.SelectMany(sum => options.Select(option => (sum.Cost + option.Cost, sum.Loss + option.Loss)));
        return all;
    }

    private static (double Cost, double Loss) Sum(PartOption[][] table, int[] choices) => (
        table.Select((options, block) => options[choices[block]].Cost).Sum(),
        table.Select((options, block) => options[choices[block]].Loss).Sum());
}
