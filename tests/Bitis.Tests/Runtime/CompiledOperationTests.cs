using Bitis.Execution.Compiled;
using Bitis.Execution.Compiled.Arithmetic;
using Bitis.Execution.Compiled.Norms;
using Bitis.Execution.Compiled.Tokens;
using Bitis.Execution.Planning;
using Bitis.Graphs.Operators;
using Bitis.Kernels.Activations;
using Bitis.Kernels.Gemm;
using Bitis.Tensors;

namespace Bitis.Tests.Runtime;

/// <summary>
/// The float operations of a plan, each by itself, on rows with and without gaps, and through index maps.
/// </summary>
public sealed class CompiledOperationTests
{
    private readonly OperationBench _bench = new();

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void A_sum_adds_row_by_row(int padding)
    {
        ArenaMatrix left = _bench.Matrix(2, [1, 2, 3, 4, 5, 6], padding),
            right = _bench.Matrix(2, [10, 20, 30, 40, 50, 60]);
        ArenaMatrix y = _bench.Result(3, 2, padding);
        Assert.Equal([11, 22, 33, 44, 55, 66], _bench.Run(new CompiledSum("n", left, right, y), y));
    }

    [Fact]
    public void A_sum_finds_the_rows_of_its_second_term_by_an_index_map()
    {
        ArenaMatrix left = _bench.Matrix(2, [1, 2, 3, 4, 5, 6]), right = _bench.Matrix(2, [10, 20, 30, 40, 50, 60]);
        ArenaMatrix mapped = right with { RowMap = [2, 0, 1] };
        Assert.Equal([51, 62, 13, 24, 35, 46], _bench.Run(new CompiledSum("n", left, mapped, left), left));
    }

    [Fact]
    public void A_product_reads_and_writes_through_index_maps()
    {
        ArenaMatrix left = _bench.Matrix(1, [2, 3, 5]), right = _bench.Matrix(1, [10, 100, 1000]);
        ArenaMatrix mapped = left with { RowMap = [2, 0, 1] };
        Assert.Equal([200, 3000, 50], _bench.Run(new CompiledProduct("n", mapped, right, mapped), left));
        ArenaMatrix y = _bench.Result(3, 1, padding: 2);
        Assert.Equal([20, 300, 5000], _bench.Run(new CompiledProduct("n", left, right, y), y));
    }

    [Fact]
    public void A_gate_is_the_factor_and_the_value_times_silu()
    {
        ArenaMatrix x = _bench.Matrix(2, [4, -6, 8, 10], padding: 1), z = _bench.Matrix(2, [0, 1, -1, 30], padding: 2);
        float[] y = _bench.Run(new CompiledGate("n", x, z, x, factor: 0.5f), x);
        Assert.Equal(0, y[0]);
        Assert.Equal(-3 / (1 + MathF.Exp(-1)), y[1], 1e-5f);
        Assert.Equal(-4 / (1 + MathF.Exp(1)), y[2], 1e-5f);
        Assert.Equal(150, y[3], 1e-3f);
    }

    [Fact]
    public void A_gated_sum_weighs_each_sequence_by_channel()
    {
        ArenaMatrix gates = _bench.Matrix(2, [1, 0, 0.5f, 2]);
        ArenaMatrix first = _bench.Matrix(2, [1, 2, 3, 4]),
            second = _bench.Matrix(2, [10, 20, 30, 40]) with { RowMap = [1, 0] };
        ArenaMatrix y = _bench.Result(2, 2, padding: 1);
        Assert.Equal([16, 80, 8, 40], _bench.Run(new CompiledGatedSum("n", gates, [first, second], y), y));
    }

    [Fact]
    public void A_function_is_applied_to_rows_with_gaps_and_without()
    {
        ArenaMatrix x = _bench.Matrix(3, [-1, 2, -3, 4, -5, 6]),
            apart = _bench.Matrix(3, [-1, 2, -3, 4, -5, 6], padding: 5);
        Assert.Equal([0, 2, 0, 4, 0, 6], _bench.Run(new CompiledElementwise("n", "relu", x, x, Elementwise.Relu), x));
        Assert.Equal(
            [0, 2, 0, 4, 0, 6], _bench.Run(new CompiledElementwise("n", "relu", apart, x, Elementwise.Relu), x));
    }

    [Fact]
    public void An_embedding_is_added_in_place()
    {
        ArenaMatrix x = _bench.Matrix(2, [1, 2, 3, 4], padding: 1);
        FloatTensor embedding = FloatTensor.From([2, 2], [10, 20, 30, 40]);
        Assert.Equal([11, 22, 33, 44], _bench.Run(new CompiledAddEmbedding("n", x, x, embedding), x));
    }

    [Theory]
    [InlineData(0, new float[] { 9, 9, 1, 2, 3, 4 })]
    [InlineData(1, new float[] { 1, 2, 9, 9, 3, 4 })]
    [InlineData(2, new float[] { 1, 2, 3, 4, 9, 9 })]
    public void A_token_is_inserted_at_its_position(int position, float[] expected)
    {
        ArenaMatrix x = _bench.Matrix(2, [1, 2, 3, 4], padding: 1), y = _bench.Result(3, 2, padding: 2);
        FloatTensor token = FloatTensor.From([2], [9, 9]);
        Assert.Equal(expected, _bench.Run(new CompiledInsertToken("n", x, y, token, position), y));
    }

    [Fact]
    public void The_mean_over_tokens_is_that_of_each_channel()
    {
        ArenaMatrix x = _bench.Matrix(2, [1, 2, 3, 4, 8, 9], padding: 1), y = _bench.Result(1, 2);
        Assert.Equal([4, 5], _bench.Run(new CompiledMeanTokens("n", x, y), y));
    }

    [Fact]
    public void Tokens_are_put_side_by_side_and_missing_ones_are_zeros()
    {
        ArenaMatrix x = _bench.Matrix(2, [1, 2, 3, 4, 5, 6], padding: 1), y = _bench.Result(2, 4, padding: 1);
        Assert.Equal([5, 6, 0, 0, 1, 2, 3, 4], _bench.Run(new CompiledTokenOrder("n", x, y, [2, -1, 0, 1]), y));
    }

    [Fact]
    public void Tokens_become_maps()
    {
        ArenaMatrix x = _bench.Matrix(2, [1, 10, 2, 20, 3, 30], padding: 2), y = _bench.Result(2, 3);
        Assert.Equal([1, 2, 3, 10, 20, 30], _bench.Run(new CompiledTranspose("n", x, y), y));
    }

    [Fact]
    public void A_norm_adds_to_the_residual_stream_first()
    {
        ArenaMatrix x = _bench.Matrix(2, [1, 1, 2, -4]), stream = _bench.Matrix(2, [2, 3, 1, 1], padding: 1);
        ArenaMatrix y = _bench.Result(2, 2, padding: 3);
        var norm = new CompiledNorm(
            "n", x with { RowMap = [1, 0] }, stream, y, FloatTensor.From([2], [1, 10]), bias: null, epsilon: 0);
        // The stream becomes [4, -1] and [2, 2]; their root mean squares are √8.5 and 2.
        float[] expected = [4 / MathF.Sqrt(8.5f), -10 / MathF.Sqrt(8.5f), 1, 10];
        float[] actual = _bench.Run(norm, y);
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], actual[i], 1e-5f);
        Assert.Equal([4, -1, 2, 2], _bench.Run(norm, stream));
    }

    [Fact]
    public void A_layer_norm_has_a_bias()
    {
        ArenaMatrix x = _bench.Matrix(2, [1, 3, 5, 1]), y = _bench.Result(2, 2);
        FloatTensor weight = FloatTensor.From([2], [1, 2]), bias = FloatTensor.From([2], [10, 20]);
        float[] actual = _bench.Run(new CompiledNorm("n", x, residual: null, y, weight, bias, epsilon: 0), y);
        float[] expected = [9, 22, 11, 18];
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], actual[i], 1e-5f);
    }

    [Fact]
    public void The_means_of_norms_are_those_of_each_sequence()
    {
        ArenaMatrix x = _bench.Matrix(2, [1, 3, 5, 1, 0, 2]), y = _bench.Result(2, 2);
        FloatTensor weight = FloatTensor.From([2], [3, 3]), bias = FloatTensor.From([2], [0, 1]);
        // Each normalized token is [-1, 1] or [1, -1].
        ArenaMatrix[] sequences = [x.Reverse(), x with { Rows = 2, RowMap = [0, 2] }];
        float[] actual = _bench.Run(new CompiledMeanOfNorms("n", sequences, y, weight, bias, epsilon: 0), y);
        float[] expected = [-1, 2, -3, 4];
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], actual[i], 1e-5f);
    }

    [Fact]
    public void A_group_norm_takes_its_statistics_from_all_tokens_of_a_group()
    {
        ArenaMatrix x = _bench.Matrix(2, [1, 10, 3, 30]), statistics = _bench.Result(2, 2);
        FloatTensor weight = FloatTensor.From([2], [1, 5]), bias = FloatTensor.From([2], [0, 1]);
        var norm = new GroupNorm(Channels: 2, Groups: 2, Epsilon: 0);
        float[] actual = _bench.Run(new CompiledGroupNorm("n", norm, x, x, statistics, weight, bias), x);
        float[] expected = [-1, -4, 1, 6];
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], actual[i], 1e-4f);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(400)] // more panels than a few: units are panels
    public void A_linear_layer_multiplies_whatever_its_units_are(int outputs)
    {
        ArenaMatrix x = _bench.Matrix(2, [1, 2, 3, 4], padding: 1), y = _bench.Result(2, outputs, padding: 2);
        float[] weight = [.. Enumerable.Range(0, outputs).SelectMany(n => (float[])[n, 1])];
        float[] bias = [.. Enumerable.Range(0, outputs).Select(n => 1000f * n)];
        float[] actual = _bench.Run(new CompiledLinear("n", x, y, new PackedFloatWeights(weight, bias, outputs, 2)), y);
        for (int n = 0; n < outputs; n++)
            Assert.Equal([(1001f * n) + 2, (1003f * n) + 4], [actual[n], actual[outputs + n]]);
    }
}
