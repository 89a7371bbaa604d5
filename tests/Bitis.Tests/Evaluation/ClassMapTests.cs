using Bitis.Data;
using Bitis.Evaluation;
using Bitis.Tensors;

namespace Bitis.Tests.Evaluation;

public sealed class ClassMapTests
{
    private static readonly PixelImage Pixel = PixelImage.Rgb(1, 1, [0, 0, 0]);
    private static readonly string[] Animals = ["cat", "dog", "emu", "fox"];

    [Fact]
    public void Names_decide_whatever_the_order()
    {
        ClassMap map = ClassMap.Create(Images(["fox", "cat"], 0, 1, 1), 4, Animals);
        Assert.Equal((true, 3, 0), (map.IsByName, map.ClassOf(0), map.ClassOf(1)));
        Assert.Equal([3, null, 0], map.ClassesOf([0, null, 1]));
        Assert.Equal("fox", map.NameOf(3));
        Assert.Equal("2 of the model's 4 classes have images, matched by name", map.Summary);
    }

    [Fact]
    public void Names_that_differ_in_case_only_are_the_same_unless_there_are_several()
    {
        ClassMap map = ClassMap.Create(Images(["CAT", "Dog"], 0, 1), 4, Animals);
        Assert.Equal((0, 1), (map.ClassOf(0), map.ClassOf(1)));
        map = ClassMap.Create(Images(["Cat"], 0), 3, ["cat", "Cat", "CAT"]);
        Assert.Equal(1, map.ClassOf(0));
        Refused(() => ClassMap.Create(Images(["caT"], 0), 3, ["cat", "Cat", "CAT"]), "'caT' could be several");
    }

    [Fact]
    public void Two_classes_are_not_made_one() =>
        Refused(
            () => ClassMap.Create(Images(["Cat", "cat"], 0, 1), 4, Animals), "'Cat', 'cat' are both the model's 'cat'");

    [Fact]
    public void Names_that_the_model_does_not_have_are_refused()
    {
        Refused(
            () => ClassMap.Create(Images(["cat", "yak", "gnu"], 0, 1, 2), 4, Animals),
            "no class 'yak', 'gnu'",
            "its classes are 'cat', 'dog', 'emu', 'fox'",
            "--classes");
        Assert.Equal(1, ClassMap.Create(Images(["cat", "yak"], 0), 4, Animals).ClassesWithImages); // no yak is shown
    }

    [Fact]
    public void The_same_names_may_come_twice_in_the_same_order()
    {
        string[] names = ["crane", "dog", "crane"];
        ClassMap map = ClassMap.Create(Images(names, 0, 2), 3, names);
        Assert.Equal((0, 2), (map.ClassOf(0), map.ClassOf(2)));
        Refused(() => ClassMap.Create(Images(["dog", "crane"], 1), 3, names), "'crane' could be several");
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public void Without_names_on_both_sides_the_numbers_must_be_equal(bool imagesHaveNames, bool modelHasNames)
    {
        ImageSource images = imagesHaveNames ? Images(Animals, 0, 3) : new Counted(4, 0, 3);
        ClassMap map = ClassMap.Create(images, 4, modelHasNames ? Animals : null);
        Assert.Equal((false, 3, 2), (map.IsByName, map.ClassOf(3), map.ClassesWithImages));
        Assert.Equal(imagesHaveNames || modelHasNames ? "fox" : "class 3", map.NameOf(3));
        Assert.Contains("by number", map.Summary);
        string[]? more = modelHasNames ? [.. Animals, "gnu"] : null;
        Refused(
            () => ClassMap.Create(images, 5, more),
            "the images have 4 classes, the model has 5",
            modelHasNames ? "--classes FILE" : "class_index");
    }

    [Fact]
    public void Numbers_of_an_unknown_set_are_the_model_s()
    {
        Assert.Equal(2, ClassMap.Create(Images(null, 2), 4, Animals).ClassOf(2));
        Refused(() => ClassMap.Create(Images(null, 2, 7), 4, Animals), "image 1 has the label 7", "4 classes (0 to 3)");
    }

    [Fact]
    public void Images_without_labels_have_no_classes()
    {
        ClassMap map = ClassMap.Create(Images(["yak"], null, null), 4, Animals);
        Assert.Equal((0, null), (map.ClassesWithImages, map.Summary));
    }

    [Fact]
    public void Images_whose_labels_are_not_needed_are_described()
    {
        Assert.Contains("1 of the model's 4", ClassMap.Describe(Images(["dog"], 0), 4, Animals));
        Assert.Contains("not those of the model", ClassMap.Describe(Images(["yak"], 0), 4, Animals));
    }

    [Fact]
    public void An_evaluation_counts_in_the_model_s_classes()
    {
        using ImageSource images = Images(["fox", "cat"], 0, 1, 0);
        Func<FloatTensor, CancellationToken, FloatTensor> model = (batch, _) =>
        {
            var logits = new FloatTensor([batch.Shape[0], 4]);
            for (int i = 0; i < batch.Shape[0]; i++)
                logits.Span[(i * 4) + 3] = 1; // always a fox
            return logits;
        };
        EvaluationResult result = new Evaluator(model, 4, Animals).Run(images, Preprocessing.ForSize(1));
        Assert.Equal(2, result.Top1Correct);
        Assert.Equal(
            [("cat", 0L), ("fox", 2L)],
            result.Confusions.Classes.Select(c => (result.Classes!.NameOf(c.Class), c.Correct)));
    }

    [Fact]
    public void Names_can_be_given_to_the_classes_of_images()
    {
        using ImageSource images = new Counted(2, 0, 1);
        ClassMap map = ClassMap.Create(images.WithClassNames(["fox", "cat"]), 4, Animals);
        Assert.Equal((3, 0), (map.ClassOf(0), map.ClassOf(1)));
        using ImageSource some = new Counted(3, 0, 1);
        Refused(() => some.WithClassNames(["fox", "cat"]), "2 class names for images of 3 classes");
        Refused(() => images.WithClassNames(["fox"]), "1 class name for images of 2 classes");
    }

    [Fact]
    public void Names_that_classes_have_are_not_replaced()
    {
        using ImageSource images = Images(Animals, 0);
        string[] reversed = [.. Animals.AsEnumerable().Reverse()];
        Refused(() => images.WithClassNames(reversed), "the classes have names already (cat, dog, ...)");
        Refused(() => images.WithClassNames([.. Animals, "gnu"]), "the classes have names already");
        Assert.Equal(Animals, images.WithClassNames([.. Animals]).ClassNames);
    }

    [Fact]
    public void Images_without_labels_take_no_names() =>
        Refused(() => Images(null, null, null).WithClassNames(Animals), "the images have no labels");

    private static InMemoryImageSource Images(string[]? names, params int?[] labels) =>
        new([.. labels.Select((label, i) => new LabeledImage(Pixel, label, $"image {i}"))], names);

    private static void Refused(Func<object> create, params string[] words)
    {
        BitisException e = Assert.Throws<BitisException>(create);
        foreach (string word in words)
            Assert.Contains(word, e.Message, StringComparison.Ordinal);
    }

    /// <summary>A set that knows how many classes there are, and no names.</summary>
    private sealed class Counted(int classes, params int[] labels) : ImageSource
    {
        public override int Count => labels.Length;

        public override string Description => "counted";

        public override int? ClassCount => classes;

        public override string Name(int index) => $"image {index}";

        public override int? Label(int index) => labels[index];

        protected override PixelImage ReadImage(int index) => Pixel;
    }
}
