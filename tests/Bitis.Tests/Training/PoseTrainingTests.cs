using Bitis.Data;
using Bitis.Data.BuiltIn;
using Bitis.Evaluation;
using Bitis.Models.Poses;
using Bitis.Quantization;
using Bitis.Quantization.Methods;
using Bitis.Quantization.Recipes;
using Bitis.Tensors;
using Bitis.Training.Images;
using Bitis.Training.Losses;

namespace Bitis.Tests.Training;

/// <summary>Models that give the pose of a shape: targets, loss, training and quantization.</summary>
public sealed class PoseTrainingTests : IDisposable
{
    private const int Side = 32;

    private static readonly PoseConfig Config = new(TinyTraining.Config with { ImageSize = Side, Width = 16 });

    private static readonly TrainingRecipe Training = new()
    {
        Config = Config,
        Epochs = 2,
        BatchSize = 4,
        LearningRate = 0.01,
        Augmentation = new Augmentation { CropPadding = 2 },
        Seed = 3,
    };

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Poses_survive_their_encoding()
    {
        using var images = new BuiltInImageSource(BuiltInSplit.Train, count: 200);
        Span<float> numbers = stackalloc float[PoseEncoding.Numbers];
        for (int i = 0; i < images.Count; i++)
        {
            ShapePose pose = images.ReadWithPose(i).Pose;
            Assert.InRange(pose.Radius, Side * Difficulty.SmallestRadius, Side * Difficulty.LargestRadius);
            PoseEncoding.Encode(pose, Side, numbers);
            foreach (float number in numbers)
                Assert.InRange(number, -2.001f, 2.001f);
            ShapePose decoded = PoseEncoding.Decode(numbers, Side);
            Assert.Equal(pose.X, decoded.X, 1e-4f);
            Assert.Equal(pose.Y, decoded.Y, 1e-4f);
            Assert.Equal(pose.Radius, decoded.Radius, 1e-4f);
            Assert.Equal(pose.Angle, decoded.Angle, 1e-5f);
        }
    }

    [Fact]
    public void Errors_are_means_over_images()
    {
        using var images = new BuiltInImageSource(BuiltInSplit.Test, count: 400);
        var errors = new PoseErrors();
        float[] middle = new float[PoseEncoding.Numbers];
        for (int i = 0; i < images.Count; i++)
            errors.Add(middle, images.ReadWithPose(i).Pose, Side);
        // What a model knows that always answers the middle: positions vary by up to ±6.4 pixels, radii by ±2.4, and
        // angles by ±28.6°.
        Assert.InRange(errors.Position, 1, 3.5);
        Assert.InRange(errors.Size, 0.9, 1.5);
        Assert.InRange(errors.Angle, 12, 17);
    }

    [Theory]
    [InlineData(0.1f, 0.1f, 0)]
    [InlineData(0.5f, -0.5f, 2.704)] // 57.3° apart, but hexagons look alike after 60°
    [InlineData(0.2f, -0.1f, 17.189)]
    public void Angles_differ_modulo_60_degrees(float angle, float other, double degrees) =>
        Assert.Equal(degrees, PoseEncoding.AngleBetween(angle, other), 0.001);

    [Fact]
    public void A_gradient_equals_finite_differences()
    {
        var loss = new PoseLoss(Side) { Poses = [new(10, 20, 11, 0.3f, IsSymmetric: true)] };
        float[] values = Sample.Floats(1, PoseEncoding.Numbers), gradient = new float[values.Length];
        loss.Compute(0, 0, values, gradient);
        float[] unused = new float[values.Length];
        double[] expected = new double[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            float value = values[i];
            values[i] = value + 0.125f;
            double above = loss.Compute(0, 0, values, unused);
            values[i] = value - 0.125f;
            expected[i] = (above - loss.Compute(0, 0, values, unused)) / 0.25;
            values[i] = value;
        }
        GradientAssert.Close(expected, gradient, "numbers");
    }

    [Fact]
    public void Poses_move_with_their_images_and_mirror_only_symmetric_shapes()
    {
        var augmentation = new Augmentation { CropPadding = 3, Flip = true };
        int mirrored = 0;
        for (ulong seed = 0; seed < 40; seed++)
        {
            FloatTensor images = new([2, 1, Side, Side]);
            ShapePose[] poses = [new(12.5f, 9.5f, 10, 0.2f, true), new(12.5f, 9.5f, 10, 0.2f, false)];
            images.Span[(9 * Side) + 12] = 1; // the pixel of the centre
            images.Span[(Side * Side) + (9 * Side) + 12] = 1;
            augmentation.Apply(images, poses, seed);
            for (int i = 0; i < 2; i++)
            {
                int at = images.Span.Slice(i * Side * Side, Side * Side).IndexOf(1);
                Assert.Equal(((at % Side) + 0.5f, (at / Side) + 0.5f), (poses[i].X, poses[i].Y));
            }
            Assert.Equal(0.2f, poses[1].Angle);
            Assert.Equal(poses[0].Angle < 0, poses[0].X > 16);
            mirrored += poses[0].Angle < 0 ? 1 : 0;
        }
        Assert.InRange(mirrored, 10, 30);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void A_resumed_training_computes_what_an_uninterrupted_one_does(int steps)
    {
        Trainer whole = Trainer.Create(Training, Data(14), _folder["whole"], threads: 1);
        whole.Run();
        using var stop = new TinyTraining.StopAfter(steps);
        Trainer interrupted = Trainer.Create(Training, Data(14), _folder["parts"], threads: 3);
        Assert.Throws<OperationCanceledException>(() => interrupted.Run(stop, stop.Token));
        Trainer resumed = Trainer.Resume(Training, Data(14), _folder["parts"]);
        resumed.Run();
        Assert.Equal(File.ReadAllBytes(whole.Folder.FinalModel), File.ReadAllBytes(resumed.Folder.FinalModel));
        Assert.Equal(File.ReadAllBytes(whole.Folder.BestModel), File.ReadAllBytes(resumed.Folder.BestModel));
        Assert.StartsWith(
            "epoch,step,learning_rate,train_loss,validation_position_error,validation_size_error,"
            + "validation_angle_error,gradient_norm", File.ReadAllText(whole.Folder.LogCsv));
        Assert.Null(VisionModel.Load(whole.Folder.FinalModel).ClassNames);
    }

    [Fact]
    public void The_loss_falls_and_every_method_quantizes_the_model()
    {
        Trainer trainer = Trainer.Create(
            Training with
            {
                Epochs = 4,
                BatchSize = 16,
                AverageDecay = 0.9,
                Augmentation = new Augmentation { CropPadding = 0, Flip = false },
            },
            Data(320), _folder["run"]);
        trainer.Run();
        VisionModel model = VisionModel.Load(trainer.Folder.FinalModel);
        Assert.IsType<PoseConfig>(model.Config);
        using var images = new BuiltInImageSource(BuiltInSplit.Test, count: 100);
        using InferenceSession floats = InferenceSession.Create(model);
        PoseErrors expected = new PoseEvaluation(floats).Run(images, progress: null, CancellationToken.None);
        Assert.True(trainer.Epochs[^1].TrainLoss < trainer.Epochs[0].TrainLoss, "the loss does not fall");
        Assert.Contains(
            "gives the pose of a shape", Assert.Throws<BitisException>(() => floats.Classify(images.Read(0))).Message);

        using var calibration = new BuiltInImageSource(BuiltInSplit.Train, count: 32);
        var set = CalibrationSet.FromImages(calibration, model.Preprocessing, count: 32);
        foreach (QuantizationMethod method in BuiltInMethods.All)
        {
            QuantizedModel quantized = PostTrainingQuantizer.Quantize(
                model, set, new Recipe { Method = method.Name, Scope = Scope.Full });
            string file = _folder[$"{method.Name}.bitis"];
            quantized.Save(file);
            using InferenceSession session = InferenceSession.Load(file);
            Assert.IsType<PoseConfig>(session.Config);
            PoseErrors errors = new PoseEvaluation(session).Run(images, progress: null, CancellationToken.None);
            Assert.True(errors.Position < expected.Position + 0.3, $"{method.Name}: {errors.Position} pixels");
            Assert.True(errors.Angle < expected.Angle + 3, $"{method.Name}: {errors.Angle} degrees");
        }
    }

    [Fact]
    public void What_has_no_poses_or_other_outputs_is_refused()
    {
        var data = new TrainingData(new SyntheticImageSource(20, Side, 3, seed: 1), null);
        Assert.Contains("builtin/train", Assert.Throws<BitisException>(
            () => Trainer.Create(Training, data, _folder["run"])).Message);
        Assert.Throws<BitisException>(() => VisionModel.CreateRandom(Config, 1).WithNewHead(3, seed: 1));
        Assert.Throws<BitisException>(() => (Config with { Classes = 4 }).Validate());
        Assert.Throws<BitisException>(() => (Config with { ImageSize = 64 }).Validate());
    }

    private static TrainingData Data(int count) => new(
        new BuiltInImageSource(BuiltInSplit.Train, count), new BuiltInImageSource(BuiltInSplit.Test, count: 30));
}
