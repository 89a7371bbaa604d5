using Bitis.Models;
using Bitis.Models.Families;
using Bitis.Tensors;

namespace Bitis.Tests.Models;

/// <summary>What families read an architecture off.</summary>
public sealed class CheckpointTensorsTests
{
    private static readonly CheckpointTensors Tensors = Create(
        ("a", [2, 3]), ("empty", [0, 3]), ("l.0.w", [1]), ("l.1.w", [1]), ("l.3.w", [1]));

    [Fact]
    public void A_shape_is_given_if_it_has_one_of_the_ranks()
    {
        Assert.Equal([2, 3], Tensors.Require("a", 1, 2));
        Assert.Equal(
            "model.pth: tensor 'a' has shape [2, 3]; expected 3 or 4 dimensions, none of them 0.", Refusal("a", 3, 4));
        Assert.Contains("none of them 0", Refusal("empty", 2));
        Assert.Contains("tensor 'b' is missing", Refusal("b", 2));
    }

    [Fact]
    public void Numbered_tensors_are_counted_up_to_the_first_gap()
    {
        Assert.Equal(2, Tensors.Count(i => $"l.{i}.w"));
        Assert.Equal(0, Tensors.Count(i => $"m.{i}.w"));
    }

    [Fact]
    public void What_cannot_be_read_is_told_from_what_is_missing()
    {
        var unreadable = new Dictionary<string, string> { ["head.weight"] = "it is sparse" };
        var tensors = new CheckpointTensors(
            "model.pth", new Dictionary<string, Shape>(), new Dictionary<string, string>(), new ModelOptions(),
            unreadable);
        Assert.False(tensors.Has("a"));
        const string Message = "model.pth: tensor 'head.weight' cannot be read: it is sparse.";
        Assert.Equal(Message, Assert.Throws<BitisException>(() => tensors.Has("head.weight")).Message);
        Assert.Equal(Message, Assert.Throws<BitisException>(() => tensors.Require("head.weight", 2)).Message);
    }

    [Theory]
    [InlineData(196, false, 14)]
    [InlineData(197, true, 14)]
    [InlineData(1, false, 1)]
    public void Patches_make_a_square(int tokens, bool hasClassToken, int side) =>
        Assert.Equal(side, Create(("pos", [1, tokens, 8])).GridSide("pos", hasClassToken));

    [Theory]
    [InlineData(197, false)]
    [InlineData(1, true)]
    public void What_makes_no_square_is_refused(int tokens, bool hasClassToken) => Assert.Contains(
        "do not make a square",
        Assert.Throws<BitisException>(() => Create(("pos", [1, tokens, 8])).GridSide("pos", hasClassToken)).Message);

    [Fact]
    public void Assumptions_are_kept_in_order()
    {
        CheckpointTensors tensors = Create();
        Assert.Equal(16, tensors.Assume(16, "patches of 16"));
        Assert.True(tensors.Assume(true, "halved"));
        Assert.Equal(["patches of 16", "halved"], tensors.Assumptions);
    }

    private static string Refusal(string name, params int[] ranks) =>
        Assert.Throws<BitisException>(() => Tensors.Require(name, ranks)).Message;

    private static CheckpointTensors Create(params (string Name, Shape Shape)[] tensors) => new(
        "model.pth",
        tensors.ToDictionary(tensor => tensor.Name, tensor => tensor.Shape),
        new Dictionary<string, string>(),
        new ModelOptions(),
        new Dictionary<string, string>());
}
