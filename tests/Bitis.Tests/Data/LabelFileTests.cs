using Bitis.Data;
using Bitis.Evaluation;

namespace Bitis.Tests.Data;

/// <summary>CSV files of labels.</summary>
public sealed class LabelFileTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public LabelFileTests()
    {
        _folder.Write("a.png", TestImages.SolidPng(1, 1, 1));
        _folder.Write("sub/b.png", TestImages.SolidPng(2, 2, 2));
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Numeric_labels_are_used_as_they_are()
    {
        using ImageSource source = Open("file,imagenet_class_index_0based,license\nsub/b.png,972,x\n./a.png,9,y\n");
        Assert.Equal(["sub/b.png", "a.png"], Enumerable.Range(0, source.Count).Select(source.Name));
        Assert.Equal(972, source.Label(0));
        Assert.Equal([1, 1, 1], source.Read(1).Pixels.ToArray());
        Assert.Null(source.ClassNames);
    }

    [Fact]
    public void Numbers_that_are_almost_whole_are_numbers()
    {
        using ImageSource source = Open("file,label\na.png,3.0\nsub/b.png, 10.0000000001\n");
        Assert.Equal([3, 10], [source.Label(0)!.Value, source.Label(1)!.Value]);
        Assert.Null(source.ClassNames);
        Assert.Equal(11, source.ClassCount);
    }

    [Fact]
    public void Indices_may_be_those_of_some_of_a_model_s_classes()
    {
        using ImageSource source = Open("file,class_index,class_name\na.png,3.0,4\nsub/b.png,0,cat\n");
        Assert.Equal([3, 0], [source.Label(0)!.Value, source.Label(1)!.Value]);
        Assert.Equal(["cat", "class 1", "class 2", "4"], source.ClassNames);
        Assert.Null(source.ClassCount);
        using ImageSource unnamed = Open("file,class_index\na.png,3\n");
        Assert.Null(unnamed.ClassCount);
        Assert.Equal(5, unnamed.WithClassNames(["a", "b", "c", "d", "e"]).ClassCount);
    }

    [Fact]
    public void Names_beside_indices_do_not_contradict_the_model()
    {
        using ImageSource same = Open("file,class_index,name\na.png,2,DOG\nsub/b.png,0,dog\n");
        Assert.Equal(2, ClassMap.Create(same, 3, ["dog", "cat", "Dog"]).ClassOf(2)); // dogs come twice
        using ImageSource other = Open("file,class_index,name\na.png,0,square\nsub/b.png,1,triangle\n");
        using ImageSource unnamed = Open("file,class_index\na.png,0\nsub/b.png,1\n");
        ImageSource[] all = [other, other.Subset([1, 0]), unnamed.WithClassNames(["square", "triangle"])];
        foreach (ImageSource images in all)
        {
            string message = Assert.Throws<BitisException>(
                () => ClassMap.Create(images, 2, ["triangle", "square"])).Message;
            Assert.Contains(
                "class_index 0 is 'square' there, and 'triangle' in the model, where 'square' is 1", message);
        }
        using ImageSource large = Open("file,class_index,name\na.png,7,square\n");
        string outside = Assert.Throws<BitisException>(() => ClassMap.Create(large, 2, ["square", "x"])).Message;
        Assert.Contains("class_index 7 is 'square' there, and not there in the model", outside);
    }

    [Fact]
    public void Class_names_come_from_their_own_column()
    {
        using ImageSource source = Open("Image,Class,Class_Index\na.png,dog,2\nsub/b.png,cat,0\n");
        Assert.Equal(["cat", "class 1", "dog"], source.ClassNames);
        Assert.Equal(2, source.Label(0));
    }

    [Fact]
    public void Named_labels_are_numbered_in_ordinal_order()
    {
        using ImageSource source = Open("path,label\na.png,dog\nsub/b.png, cat \n");
        Assert.Equal(["cat", "dog"], source.ClassNames);
        Assert.Equal(1, source.Label(0));
    }

    [Fact]
    public void A_label_file_may_be_named_directly()
    {
        using ImageSource source = ImageSource.Open(_folder.Write("mine.csv", "file,label\na.png,3\n"u8));
        Assert.Equal(3, source.Label(0));
    }

    [Fact]
    public void Columns_that_nobody_reads_may_have_the_same_header()
    {
        using ImageSource source = Open("file,label,x,x,class,class\na.png,1,2,3,4,5\n");
        Assert.Equal(1, source.Label(0));
    }

    [Theory]
    [InlineData("file,label\n", "there are no rows")]
    [InlineData("picture,label\na.png,1\n", "line 1: the header 'picture,label' has no file column")]
    [InlineData("file,kind\na.png,1\n", "line 1: the header 'file,kind' has no label column")]
    [InlineData("file,label\na.png,1\nnone.png,2\n", "line 3: there is no file 'none.png' beside the CSV file")]
    [InlineData("file,label\n../a.png,1\n", "line 2: there is no file '../a.png'")]
    [InlineData("file,label\na.png,1\n\n./a.png,2\n", "line 4: './a.png' was already given on line 2")]
    [InlineData("file,label\na.png\n", "line 2: 1 value, where the header has 2")]
    [InlineData("file,class_index\na.png,cat\n", "line 2: 'cat' is not a class index")]
    [InlineData("file,label\na.png,-1\n", "line 2: '-1' is not a class index")]
    [InlineData("file,label\na.png,2000000000\n", "line 2: '2000000000' is not a class index; a whole number from 0")]
    [InlineData("file,label\na.png,1\nsub/b.png,2.5\n", "line 3: '2.5' is not a class index")]
    [InlineData("file,label\na.png,1\nsub/b.png,NaN\n", "line 3: 'NaN' is not a class index")]
    [InlineData("file,label\na.png,1\nsub/b.png,-1.0\n", "line 3: '-1.0' is not a class index")]
    [InlineData("file,label\na.png,1\nsub/b.png,1e300\n", "line 3: '1e300' is not a class index")]
    [InlineData("file,label\na.png,1\nsub/b.png,\n", "line 3: the label is empty")]
    [InlineData("file,label\na.png,3\nsub/b.png,cat\n", "line 3: the label 'cat' is a name, that of line 2, '3',")]
    [InlineData("file,label\na.png,cat\nsub/b.png,3.0\n", "line 3: the label '3.0' is a number, that of line 2,")]
    [InlineData("file;label\na.png;1\n", "line 1: the columns are separated by semicolons; commas were expected")]
    [InlineData("\"file\";\"label\"\r\n\"a.png\";\"1\"\r\n", "line 1: the columns are separated by semicolons")]
    [InlineData("file\tlabel\na.png\t1\n", "line 1: the columns are separated by tabs")]
    [InlineData("file,label\na.png,dog\nsub/b.png, \n", "line 3: the label is empty")]
    [InlineData("file,label,label\na.png,1,2\n", "line 1: columns 2 and 3 are both called 'label'")]
    [InlineData("\nfile,x, File ,label\na.png,1,b.png,2\n", "line 2: columns 1 and 3 are both called 'file'")]
    [InlineData("file,class_index,name,Name\na.png,1,a,b\n", "line 1: columns 3 and 4 are both called 'name'")]
    [InlineData("file,class_index,imagenet_class_index_0based\na.png,1,2\n", "are both called 'class_index'")]
    [InlineData(
        "file,label,name\na.png,1,dog\nsub/b.png,1,cat\n", "line 3: class 1 is called 'cat' here and 'dog' above")]
    public void Malformed_rows_are_reported_with_their_line(string csv, string expected)
    {
        string message = Assert.Throws<BitisException>(() => Open(csv)).Message;
        Assert.StartsWith($"{_folder.Path}/labels.csv: ", message);
        Assert.Contains(expected, message);
    }

    private ImageSource Open(string csv)
    {
        _folder.Write("labels.csv", System.Text.Encoding.UTF8.GetBytes(csv));
        return ImageSource.Open(_folder.Path);
    }
}
