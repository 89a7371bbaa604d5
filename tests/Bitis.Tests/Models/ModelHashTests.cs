using System.Security.Cryptography;
using Bitis.Models;
using Bitis.Models.Vim;

namespace Bitis.Tests.Models;

/// <summary>Finished work is only taken for a model that gives the same answers.</summary>
public sealed class ModelHashTests
{
    private static readonly VimConfig Config = new()
    {
        ImageSize = 16,
        PatchSize = 4,
        Stride = 4,
        Width = 16,
        Depth = 1,
        InnerWidth = 32,
        DeltaRank = 1,
        Classes = 3,
    };

    [Fact]
    public void Equal_models_have_equal_hashes() => Assert.Equal(Hash(Create(Config)), Hash(Create(Config)));

    /// <summary>The options of a checkpoint choose another architecture for the same weights.</summary>
    [Fact]
    public void The_architecture_counts()
    {
        VimConfig summed = Config with { HalvesDirections = false };
        Assert.Equal(Create(Config).Weights.Keys.Order(), Create(summed).Weights.Keys.Order());
        Assert.NotEqual(Hash(Create(Config)), Hash(Create(summed)));
    }

    [Fact]
    public void Weights_count()
    {
        VisionModel model = Create(Config);
        string before = Hash(model);
        model.Weights.Values.First().Span[0] += 1;
        Assert.NotEqual(before, Hash(model));
    }

    private static VisionModel Create(VimConfig config) => VisionModel.CreateRandom(config, seed: 1);

    private static string Hash(VisionModel model)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendModel(model);
        return Convert.ToHexString(hash.GetHashAndReset());
    }
}
