using Bitis.Graphs;
using Bitis.Models;
using Bitis.Models.Catalogue;
using Bitis.Models.Detection;
using Bitis.Models.LocalMamba;
using Bitis.Models.Vim;
using Bitis.Tensors;

namespace Bitis.Tests.Models;

/// <summary>Models for images of another size than they learned from.</summary>
public sealed class ImageSizeTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public static TheoryData<ModelConfig> Resizable =>
    [
        Vim(ClassTokenPosition.Middle),
        Vim(ClassTokenPosition.First),
        Vim(ClassTokenPosition.None),
        Vim(ClassTokenPosition.Middle) with { PatchSize = 4, Stride = 2 },
        SmallModels.Get("vit-mini", classes: 3),
        LocalVim with { HasRotaryPositions = false, HasClassToken = true },
    ];

    private static LocalVimConfig LocalVim => (LocalVimConfig)SmallModels.Get("localvim-micro", classes: 3);

    public void Dispose() => _folder.Dispose();

    /// <summary>The test vector of ONNX's Resize: cubic, half_pixel, cubic_coeff_a = -0.75.</summary>
    [Fact]
    public void Positions_are_resized_as_pytorch_and_onnx_do()
    {
        FloatTensor grid = FloatTensor.From([1, 16, 1], [.. Enumerable.Range(1, 16).Select(i => (float)i)]);
        FloatTensor resized = PositionResampler.Resize(grid, new("p", 4, null), new("p", 8, null));
        float[] first =
            [0.47265625f, 0.76953125f, 1.24609375f, 1.875f, 2.28125f, 2.91015625f, 3.38671875f, 3.68359375f];
        Assert.Equal(first, resized.Span[..8]);
        float[] last =
            [13.31640625f, 13.61328125f, 14.08984375f, 14.71875f, 15.125f, 15.75390625f, 16.23046875f, 16.52734375f];
        Assert.Equal(last, resized.Span[^8..]);
    }

    [Fact]
    public void The_row_of_the_class_token_moves_to_its_own_new_place()
    {
        // 2×2 patches that are all 1, and a class token of 9 in the middle; then 3×3.
        FloatTensor grid = FloatTensor.From([1, 5, 1], [1, 1, 9, 1, 1]);
        FloatTensor resized = PositionResampler.Resize(grid, new("p", 2, 2), new("p", 3, 4));
        Assert.Equal([1, 1, 1, 1, 9, 1, 1, 1, 1, 1], resized.Span);
    }

    [Theory]
    [MemberData(nameof(Resizable))]
    public void A_model_takes_images_of_another_size(ModelConfig config)
    {
        VisionModel model = VisionModel.CreateRandom(config, seed: 3);
        string path = _folder["model.safetensors"];
        model.Save(path);
        int size = config.ImageSize * 2;
        VisionModel resized = VisionModel.Load(path, new ModelOptions { ImageSize = size });
        Assert.Equal((size, size), (resized.Config.ImageSize, resized.Preprocessing.CropSize));
        FloatTensor images = new(resized.Config.InputShape.Prepend(1));
        images.Span.Fill(0.25f);
        FloatTensor expected = new GraphExecutor(
            resized.Graph, resized.Weights, ReferenceEvaluator.Instance).Run(images);
        using InferenceSession session = InferenceSession.Create(resized);
        TensorAssert.Close(expected, session.Run(images), 1e-4);

        VisionModel same = VisionModel.Load(path, new ModelOptions { ImageSize = config.ImageSize });
        Assert.Equal(model.Weights["pos_embed"].Span, same.Weights["pos_embed"].Span);
        ModelDetection detection = ModelDetection.Detect(
            "m", resized.Weights.ToDictionary(weight => weight.Key, weight =>
                weight.Value.Shape), Described(path), new ModelOptions { ImageSize = size });
        Assert.Contains(detection.Assumptions, assumption => assumption.Contains("'pos_embed' is resized from"));
        Assert.Equal((config.ImageSize, size), (detection.StoredConfig.ImageSize, detection.Config.ImageSize));
    }

    [Fact]
    public void A_model_whose_size_cannot_change_is_refused()
    {
        foreach (ModelConfig config in (ModelConfig[])[LocalVim, SmallModels.Get("resnet-20", classes: 3)])
        {
            VisionModel model = VisionModel.CreateRandom(config, seed: 3);
            Assert.Contains(
                "no position embedding", Assert.Throws<BitisException>(() => model.WithImageSize(64)).Message);
            string path = _folder["fixed.safetensors"];
            model.Save(path);
            string message = Assert.Throws<BitisException>(
                () => VisionModel.Load(path, new ModelOptions { ImageSize = 64 })).Message;
            Assert.Contains("--image-size", message);
            Assert.Contains("leave the option out", message);
            Assert.Equal(config is LocalVimConfig, message.Contains("rotary positions cannot be resized"));
        }
        VisionModel vim = VisionModel.CreateRandom(Vim(ClassTokenPosition.Middle), seed: 3);
        Assert.Throws<BitisException>(() => vim.WithImageSize(1));
        Assert.Throws<BitisException>(() => vim.WithImageSize(1 << 20));
    }

    private static VimConfig Vim(ClassTokenPosition place) =>
        ((VimConfig)SmallModels.Get("vim-mini", classes: 3)) with { Depth = 2, ClassToken = place };

    private static IReadOnlyDictionary<string, string> Described(string path)
    {
        using var file = Bitis.Checkpoints.Checkpoint.Open(path);
        return file.Metadata;
    }
}
